# SPDX-License-Identifier: MIT
"""A small disk under a server's data folder, in a mount namespace of its own that outlives the server."""

import os
import pathlib
import subprocess

import pytest
import servers


def own_mounts():
    """The command before another one, which then has mounts of its own."""
    return ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]


class Disk:
    def __init__(self, server, size="4m"):
        self.folder = server.folder / "data"
        self.folder.mkdir(exist_ok=True)
        mount = f"mount -t tmpfs -o size={size} none '{self.folder}' && echo ready && exec cat"  # as long as we live
        self.holder = subprocess.Popen(
            [*own_mounts(), "sh", "-c", mount],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if self.holder.stdout.readline() != "ready\n":
            self.end()
            pytest.skip(f"no mount of our own here: {self.holder.stderr.read().strip()}")
        server.command = lambda: self.within(f"cd '{server.folder}' && exec '{servers.TANDEM}' serve -c tandem.yaml")

    def within(self, command):
        """The command that runs this one where the disk is to be seen."""
        user = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
        return ["nsenter", "-t", str(self.holder.pid), "-m", "--root", *user, "sh", "-c", command]  # ours may be a chroot's

    @property
    def inside(self):
        """The folder as the server sees it."""
        return pathlib.Path(f"/proc/{self.holder.pid}/root{self.folder}")

    def fill(self):
        with pytest.raises(OSError), open(self.inside / "ballast", "wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))

    def empty(self):
        (self.inside / "ballast").unlink()

    def let_write(self, may_write):
        """Nobody may have a file open for writing when this is to end."""
        done = servers.run(self.within(f"mount -o remount,{'rw' if may_write else 'ro'} '{self.folder}'"))
        assert done.returncode == 0, done.stderr

    def end(self):
        self.holder.kill()
        self.holder.wait()


@pytest.fixture
def new_disk():
    """Makes disks that end with the test."""
    disks = []

    def new(server, size="4m"):
        disks.append(Disk(server, size))
        return disks[-1]

    yield new
    for disk in disks:
        disk.end()
