# SPDX-License-Identifier: MIT
"""doc/signed-pair.md, typed word by word."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
import servers

PAGE = servers.ROOT / "doc" / "signed-pair.md"
PORTS = ("5311", "5312")


class Reader:
    """Somebody who follows the page in a folder of their own, with ports that are free here."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []
        (folder / "bin").mkdir()
        (folder / "bin" / "tandem").symlink_to(servers.TANDEM.resolve())
        self.environment = {**os.environ, "PATH": f"{folder / 'bin'}:/usr/bin:/bin"}
        self.ports = {port: str(servers.free_port("127.0.0.1")) for port in PORTS}

    def type(self, block):
        """Types a block of commands; gives what they said. What is to go on is started, and waited for."""
        for port, own in self.ports.items():
            block = block.replace(port, own)
        if block.startswith("mkdir"):
            output = self.run(block)
            self.folder /= "pair"
            return output
        stay = [line.removesuffix(" &") for line in block.splitlines() if line.endswith(" &")]
        output = self.run("\n".join(line for line in block.splitlines() if not line.endswith(" &")))
        for command in stay:
            shell = ["/bin/sh", "-c", f"exec {command}"]
            with open(self.folder / f"log-{len(self.started)}", "wb") as log:
                process = subprocess.Popen(shell, cwd=self.folder, env=self.environment, stdout=log, stderr=log)
            self.started.append(process)
        return output

    def run(self, block):
        done = servers.run(["/bin/bash", "-e", "-c", block], self.folder, env=self.environment)
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def end(self):
        for process in self.started:
            process.terminate()
        for process in self.started:
            assert process.wait(servers.STOP_SECONDS) == 0


@pytest.fixture
def reader(tmp_path):
    one = Reader(tmp_path)
    yield one
    one.end()
    shutil.rmtree(tmp_path / "pair")


def test_the_page_works_as_it_stands(reader):
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    key, primary, secondary, start, works, change, arrives, refused = blocks
    assert "{name:" in reader.type(key)
    secret = re.search('secret "(.*)"', (reader.folder / "primary/pair.key").read_text()).group(1)
    for block in (primary, secondary, start):
        reader.type(block)

    def answers(block, *parts):
        """What a person types again until both have started."""
        try:
            said = reader.type(block)
        except AssertionError:
            return False
        assert secret not in said
        return all(part in said for part in parts)

    servers.wait_until(lambda: answers(works, "serial 1", "primary", "192.0.2.80"), "the secondary has the zone")
    assert "serial 1 to 2" in reader.type(change)
    servers.wait_until(lambda: answers(arrives, "192.0.2.81", "Serial 2 is served", "(primary)"), "the change has arrived")
    said = reader.type(refused)
    assert "new.example.org" in said and "refused, as it should be" in said and "REFUSED" in said
    assert pathlib.Path(reader.folder / "secondary/pair.key").stat().st_mode & 0o777 == 0o600
