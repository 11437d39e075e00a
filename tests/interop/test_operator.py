# SPDX-License-Identifier: MIT
"""What an operator meets: wrong files, wrong configurations, full disks, restarts. Service goes on, and the reason is
told."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import dns.message
import dns.opcode
import dns.query
import dns.rcode
import pytest
import servers
import wire
import zones

ZONE = "small.example."
OTHER = "other.example."
SERVFAIL = dns.rcode.SERVFAIL


def ede(answer):
    """The codes of the Extended DNS Errors (RFC 8914) in an answer."""
    return [int(option.code) for option in answer.options if int(option.otype) == 15]


def tandem(folder, *words):
    """Runs a subcommand without a server: exit status, stdout, stderr."""
    result = servers.run([servers.TANDEM, *words], folder)
    return result.returncode, result.stdout, result.stderr


@pytest.fixture
def primary(world):
    """Serves two small zones."""
    server = world.new("tandem")
    server.serve(ZONE, zones.small(world.folder, ZONE, 1))
    server.serve(OTHER, zones.small(world.folder, OTHER, 1))
    return server.start()


# ---- Starting and stopping


def test_server_that_is_stopped_while_it_reads_a_large_zone_ends_in_order(world):
    file = zones.small(world.folder, ZONE, 1)
    with open(file, "a", encoding="ascii") as out:
        out.writelines(f"n{number} A 192.0.2.{number % 256}\n" for number in range(200000))
    server = world.new("tandem")
    server.serve(ZONE, file)
    server.launch()
    servers.wait_until(lambda: server.lines("started"), "the server is started")
    server.stop()
    assert server.start().serial(ZONE) == 1


def test_address_in_use_is_exit_1_with_a_clear_line(world, primary):
    second = world.new("tandem", "second")
    second.address, second.port = primary.place
    second.configure()
    status, _, errors = tandem(second.folder, "serve", "-c", "tandem.yaml")
    assert status == 1
    assert f"{primary.address}@{primary.port}" in errors and "in use" in errors.lower()


def test_data_folder_in_use_is_exit_1_with_a_clear_line(world, primary):
    second = world.new("tandem", "second")
    second.configure()
    (second.folder / "data").symlink_to(primary.folder / "data")
    status, _, errors = tandem(second.folder, "serve", "-c", "tandem.yaml")
    assert status == 1
    assert "data" in errors


def test_sigterm_ends_with_connections_open(primary):
    connections = [socket.create_connection(primary.place) for _ in range(20)]
    primary.process.send_signal(signal.SIGTERM)
    assert primary.process.wait(servers.STOP_SECONDS) == 0
    for connection in connections:
        connection.close()


def test_flags_alone_serve_a_zone_and_follow_another(world, primary):
    folder = world.folder / "flags"
    folder.mkdir()
    server = world.new("tandem", "flags-server")
    file = zones.small(folder, "third.example.", 3)
    command = [servers.TANDEM, "serve", "--zone", f"third.example={file}"]
    command += ["--follow", f"small.example={primary.address}@{primary.port}"]
    command += ["--listen", f"{server.address}@{server.port}", "--allow-transfer", "127.0.0.0/8"]
    command += ["--data-dir", "data", "--control", "control.sock"]
    server.command = lambda: command
    server.start()
    server.wait_for_serial("third.example.", 3)
    server.wait_for_serial(ZONE, 1)
    wire.assert_equal_zones(wire.axfr(primary.place, ZONE), wire.axfr(server.place, ZONE))


# A machine without IPv6: no socket of that family can be made.
NO_IPV6 = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
int socket(int family, int type, int protocol)
{
	int (*real)(int, int, int) = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
	errno = EAFNOSUPPORT;
	return family == AF_INET6 ? -1 : real(family, type, protocol);
}
"""


def own(kind):
    """The words that give a command a network (n) or mounts (m) of its own; without the right to that, no test."""
    words = ["unshare", f"-{kind}" if os.geteuid() == 0 else f"-r{kind}"]
    trial = servers.run([*words, "true"])
    if trial.returncode != 0:
        pytest.skip(f"not here: {trial.stderr.strip()}")
    return words


def without_ipv6(folder):
    """The words that run a command on a machine without IPv6, in a network of its own, where port 53 is free."""
    (folder / "no_ipv6.c").write_text(NO_IPV6)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", "no_ipv6.so", "no_ipv6.c", "-ldl"], cwd=folder, check=True)
    return [*own("n"), "env", "LD_PRELOAD=./no_ipv6.so"]


def serve_without_ipv6(folder, *words):
    """Serves until it has started or given up; gives its exit status and log."""
    log = folder / f"log{len(words)}"
    command = [*without_ipv6(folder), servers.TANDEM, "serve", "--zone", f"{ZONE}=zone"]
    command += ["--data-dir", "data", "--control", "control.sock", *words]
    with open(log, "wb") as output:
        process = subprocess.Popen([str(word) for word in command], cwd=folder, stdout=output, stderr=output)
    try:
        servers.wait_until(
            lambda: "started" in log.read_text() or process.poll() is not None, "it has started"
        )
    finally:
        process.terminate()
        status = process.wait(servers.STOP_SECONDS)
    return status, log.read_text()


def test_machine_without_ipv6_is_served_on_ipv4_by_default_and_told_where_ipv6_was_asked_for(tmp_path):
    zones.small(tmp_path, ZONE, 1).rename(tmp_path / "zone")
    status, log = serve_without_ipv6(tmp_path)
    assert "not listening on ::@53: this machine has no IPv6" in log
    assert "listening on 0.0.0.0@53" in log and "started" in log
    assert status == 0
    status, log = serve_without_ipv6(tmp_path, "--listen", "::@53")
    assert status == 1
    assert "::@53" in log


def test_machine_without_ipv6_can_be_reloaded_to_the_default_addresses(world):
    server = world.new("tandem")
    server.serve(ZONE, zones.small(world.folder, ZONE, 1))
    server.address = "0.0.0.0"  # the loopback interface there is down
    server.command = lambda: [*without_ipv6(server.folder), servers.TANDEM, "serve", "-c", "tandem.yaml"]
    server.is_ready = lambda: server.run_any("status").returncode == 0
    server.start()
    file = server.folder / "tandem.yaml"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if "listen:" not in line))
    server.run("reload")
    assert "listening on 0.0.0.0@53" in server.log_tail()
    assert "not listening on ::@53: this machine has no IPv6" in server.log_tail()


def open_files(server):
    """The limit of the server's process: what holds, and how far it could be raised."""
    limits = pathlib.Path(f"/proc/{server.process.pid}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max open files"))
    return tuple(int(word) for word in line.split()[3:5])


def test_connections_leave_descriptors_for_everybody_else(world):
    server = world.new("tandem")
    server.serve(ZONE, zones.small(world.folder, ZONE, 1))
    server.command = lambda: ["sh", "-c", f"ulimit -n 200; exec {servers.TANDEM} serve -c tandem.yaml"]
    server.start()
    assert "this process may open 200 files only: 100 connections are taken" in server.log_tail()
    connections = [socket.create_connection(server.place) for _ in range(300)]
    assert server.ask(ZONE, "SOA", tcp=True) is not None
    server.put(ZONE, zones.small(world.folder, ZONE, 2))
    server.run("zone", "reload", ZONE, "--wait")
    assert server.serial(ZONE) == 2
    for connection in connections:
        connection.close()


def test_limit_of_open_files_is_raised_as_far_as_it_is_needed(world):
    server = world.new("tandem")
    server.serve(ZONE, zones.small(world.folder, ZONE, 1))
    server.command = lambda: ["sh", "-c", f"ulimit -Sn 100; exec {servers.TANDEM} serve -c tandem.yaml"]
    server.start()
    holds, most = open_files(server)
    assert holds > 100 or most == 100
    assert holds == most or "connections are taken" not in server.log_tail()


def test_refused_notify_is_logged(primary):
    query = dns.message.make_query(ZONE, "SOA")
    query.set_opcode(dns.opcode.NOTIFY)
    start = time.monotonic()
    for _ in range(20):
        answer = dns.query.udp(query, primary.address, port=primary.port, timeout=servers.ANSWER_SECONDS)
        assert answer.rcode() == dns.rcode.REFUSED
    lines = [line for line in primary.log.read_text().splitlines() if "NOTIFY from" in line]
    assert "refused" in lines[0] and ZONE.rstrip(".") in lines[0]
    assert len(lines) <= primary.workers * 4 * (1 + (time.monotonic() - start) // 10)  # four in ten seconds


def test_reload_says_what_holds_after_a_restart_only(primary):
    file = primary.folder / "tandem.yaml"
    good = file.read_text()
    file.write_text(good.replace("  data-dir: data\n", "  data-dir: other\n"))
    assert "after a restart only: data-dir" in primary.run("reload")
    file.write_text(good + "one: 1\ntwo: 2\n")
    assert primary.run_any("reload").returncode == 1
    lines = [line for line in primary.log.read_text().splitlines() if "the reload was refused" in line]
    assert len(lines) == 2 and not any(line.endswith("??") for line in lines)
    reason = json.loads(primary.run("status", "--json"))["server"]["configuration_problem"]
    assert "one" in reason and "two" in reason and not reason.endswith("\n")
    file.write_text(good)
    primary.run("reload")
    assert json.loads(primary.run("status", "--json"))["server"]["configuration_problem"] is None


# ---- Zone files


def test_broken_file_leaves_the_running_version_in_place(world, primary):
    broken = world.folder / "broken.zone"
    broken.write_text(zones.small(world.folder, ZONE, 2).read_text() + "bad A 192.0.2.300\n")
    primary.put(ZONE, broken)
    result = primary.run_any("zone", "reload", ZONE, "--wait")
    assert result.returncode == 1
    assert "small.example.zone:9:" in result.stdout + result.stderr
    assert primary.serial(ZONE) == 1
    assert "small.example.zone:9:" in primary.reason(ZONE)

    primary.put(ZONE, zones.small(world.folder, ZONE, 2))
    primary.run("zone", "reload", ZONE, "--wait")
    assert primary.serial(ZONE) == 2
    assert primary.reason(ZONE) == ""


def test_reload_that_waits_names_the_zones_that_were_not_taken(world, primary):
    """Also while a file stays as broken as it was."""
    broken = world.folder / "broken.zone"
    broken.write_text(zones.small(world.folder, ZONE, 2).read_text() + "bad A 192.0.2.300\n")
    primary.put(ZONE, broken)
    primary.put(OTHER, zones.small(world.folder, OTHER, 2))
    for _ in range(2):
        result = primary.run_any("reload", "--wait")
        assert result.returncode == 1
        told = [line for line in result.stderr.splitlines() if line.startswith("zone ")]
        assert len(told) == 1 and told[0].startswith("zone small.example: ") and "small.example.zone:9:" in told[0]
        assert "1 of 2 zone files were not taken" in result.stderr
        assert (primary.serial(ZONE), primary.serial(OTHER)) == (1, 2)

    primary.put(ZONE, zones.small(world.folder, ZONE, 3))
    assert "all zone files are read" in primary.run("reload", "--wait")
    assert primary.serial(ZONE) == 3


def test_missing_file_is_servfail_and_the_others_are_served(world):
    server = world.new("tandem")
    server.serve(ZONE, zones.small(world.folder, ZONE, 1))
    server.serve(OTHER, zones.small(world.folder, OTHER, 1))
    server.zone(ZONE).file.unlink()
    server.is_ready = lambda: server.serial(OTHER) == 1
    server.start()
    answer = server.ask(f"www.{ZONE}", "A", use_edns=True)
    assert (answer.rcode(), ede(answer)) == (SERVFAIL, [14])
    assert str(server.zone(ZONE).file) in server.reason(ZONE)

    server.put(ZONE, zones.small(world.folder, ZONE, 4))
    server.run("zone", "reload", ZONE, "--wait")
    assert server.serial(ZONE) == 4


def replace_by(make):
    """Puts something else in the place of a file."""

    def replace(file):
        file.unlink()
        make(file)

    return replace


def many_errors(file):
    file.write_text(file.read_text() + "".join(f"n{number} A 1.2.3\n" for number in range(100)))


# What happened to the file, and what is told of it.
SPOILT_FILES = {
    "missing": (pathlib.Path.unlink, "No such file or directory"),
    "folder": (replace_by(pathlib.Path.mkdir), "is a folder, not a file"),
    "pipe": (replace_by(os.mkfifo), "is not an ordinary file"),
    "empty": (lambda file: file.write_text(""), "no SOA record at the apex"),
    "half": (lambda file: file.write_bytes(file.read_bytes()[:60]), "small.example.zone:3:"),
    "garbage": (lambda file: file.write_bytes(os.urandom(10000)), "small.example.zone:"),
    "many-errors": (many_errors, "small.example.zone:9:"),
}


@pytest.mark.parametrize("what", SPOILT_FILES)
def test_spoilt_file_is_told_and_the_version_before_is_served(world, primary, what):
    spoil, told = SPOILT_FILES[what]
    file = primary.zone(ZONE).file
    spoil(file)
    result = primary.run_any("zone", "reload", ZONE, "--wait")
    assert result.returncode == 1
    for text in (result.stderr, primary.reason(ZONE), primary.run("status")):
        assert told in text and str(file) in text
    lines = [line for line in primary.log.read_text().splitlines() if f"{ZONE.rstrip('.')}:" in line]
    assert told in lines[-1] or any(told in line for line in lines)
    assert "the version before is served on" in primary.log_tail()
    assert len(lines) < 30
    if what == "many-errors":
        assert "`tandem check zone` shows all" in primary.log_tail()
    assert primary.serial(ZONE) == 1

    shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
    shutil.copy(zones.small(world.folder, ZONE, 2), file)
    primary.run("zone", "reload", ZONE, "--wait")
    assert (primary.serial(ZONE), primary.reason(ZONE)) == (2, "")


def test_unreadable_file_is_told(tmp_path):
    file = zones.small(tmp_path, ZONE, 1)
    file.chmod(0)
    command = [servers.TANDEM, "check", "zone", ZONE, file.name]
    if os.geteuid() == 0:
        # Everything is readable to root; without its capabilities it is an owner like any other.
        command = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", *command]
    result = servers.run(command, tmp_path)
    assert result.returncode == 1
    assert f"{file.name}: Permission denied" in result.stdout + result.stderr


def test_check_zone_tells_many_errors_with_their_places(tmp_path):
    file = tmp_path / "many.zone"
    good = zones.small(tmp_path, ZONE, 1).read_text()
    file.write_text(good + "".join(f"n{number} A 1.2.3\n" for number in range(100)))
    status, output, errors = tandem(tmp_path, "check", "zone", ZONE, file)
    told = [line for line in (output + errors).splitlines() if line.startswith(f"{file}:")]
    assert status == 1
    assert len(told) >= 100
    assert told[0].startswith(f"{file}:9:")


def test_check_zone_dumps_every_type_as_the_reference_has_it(tmp_path):
    file = zones.every_type("tandem", tmp_path)
    status, output, errors = tandem(tmp_path, "check", "zone", zones.EVERY_TYPE, file, "--dump-hex")
    assert status == 0, errors
    ours = {line.split()[-1].lower() for line in output.splitlines() if line}
    lines = (zones.DATA / "every-type" / "every-type.hex.zone").read_text().splitlines()
    theirs = {line.split()[-1].lower() for line in lines if " \\# " in line and " \\# 0" not in line}
    assert theirs <= ours


# ---- Serials


def test_serial_never_goes_back_over_a_kill(world, primary):
    for number in (2, 3):
        primary.change(ZONE, zones.small(world.folder, ZONE, 1, f'more{number} TXT "edited"'))
        primary.wait_for_serial(ZONE, number)
    primary.kill()
    primary.start()
    assert primary.serial(ZONE) == 3
    primary.stop()
    primary.put(ZONE, zones.small(world.folder, ZONE, 1, 'stopped TXT "edited while stopped"'))
    primary.start()  # what is stored is served while the file is read
    primary.wait_for_serial(ZONE, 4)
    primary.stop()
    primary.start()
    assert primary.serial(ZONE) == 4


# ---- The configuration


def test_wrong_configuration_is_told_with_place_and_suggestion(tmp_path):
    file = tmp_path / "tandem.yaml"
    file.write_text("server:\n  lisen: [127.0.0.1@5300]\n")
    status, output, errors = tandem(tmp_path, "check", "config", file)
    assert status == 1
    assert "tandem.yaml:2:3" in output + errors and "`listen`" in output + errors
    status, _, errors = tandem(tmp_path, "serve", "-c", file)
    assert status == 1
    assert "tandem.yaml:2:3" in errors


def test_reload_applies_what_changed_and_a_broken_file_changes_nothing(world, primary):
    third = "third.example."
    primary.serve(third, zones.small(world.folder, third, 3))
    primary.reconfigure()
    primary.wait_for_serial(third, 3)
    assert primary.serial(ZONE) == 1

    good = (primary.folder / "tandem.yaml").read_text()
    (primary.folder / "tandem.yaml").write_text(good + "nonsense: yes\n")
    result = primary.run_any("reload")
    assert result.returncode == 1
    assert "nonsense" in result.stdout + result.stderr
    assert (primary.serial(ZONE), primary.serial(third)) == (1, 3)

    primary.zones = [zone for zone in primary.zones if zone.name != OTHER]
    primary.reconfigure()
    gone = "the zone is gone"
    servers.wait_until(lambda: primary.rcode(OTHER, "SOA") == dns.rcode.REFUSED, gone)
    assert primary.serial(ZONE) == 1


def examples():
    """Every configuration that the documentation shows, and the one that comes with the project."""
    for page in sorted((servers.ROOT / "doc").glob("*.md")):
        for number, text in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.M | re.S)):
            yield pytest.param(text, id=f"{page.name}-{number + 1}")
    yield pytest.param((servers.ROOT / "examples" / "tandem.yaml").read_text(), id="examples/tandem.yaml")


@pytest.mark.parametrize("text", examples())
def test_every_example_is_right(tmp_path, text):
    (tmp_path / "tandem.yaml").write_text(text)
    status, output, errors = tandem(tmp_path, "check", "config", "tandem.yaml")
    assert (status, errors) == (0, ""), output


# ---- Commands


def test_zone_commands_do_what_they_say(world, primary):
    secondary = world.new("tandem", "second")
    secondary.follow(ZONE, primary)
    primary.reconfigure()
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)
    names = [line.split()[0] for line in primary.run("zone", "list").splitlines()]
    assert any(name.startswith("small.example") for name in names)
    for action in ("refresh", "retransfer"):
        secondary.run("zone", action, ZONE, "--wait")
        assert secondary.serial(ZONE) == 1
    secondary.run("zone", "flush", ZONE, "--wait")
    primary.run("zone", "notify", ZONE)
    exported = world.folder / "exported.zone"
    exported.write_text(secondary.run("zone", "export", ZONE, "-o", "-"))
    assert tandem(world.folder, "check", "zone", ZONE, exported)[0] == 0
    assert secondary.run_any("zone", "reload", "unknown.example").returncode == 1
    assert json.loads(secondary.run("status", "--json"))


def test_half_sent_request_is_closed_after_some_seconds(primary):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(servers.CHANGE_SECONDS)
        connection.connect(str(primary.folder / "control.sock"))
        connection.sendall(b"GET /v1/status HTTP/1.1\r\nHo")
        assert connection.recv(1000) == b""


# ---- A secondary on its own


def test_expired_zone_is_servfail_and_comes_back(world):
    primary = world.fake_primary(ZONE)
    primary.timers = (1, 1, 3600, 60)
    secondary = world.follower(ZONE, primary, refresh_min="1s", retry_min="1s", expire_min="1s").start()
    secondary.wait_for_serial(ZONE, 1)
    primary.timers = (1, 1, 3, 60)  # from the last version on: we may be too slow to be asked in time again and again
    primary.serial = 2
    secondary.wait_for_serial(ZONE, 2)
    primary.end()
    servers.wait_until(lambda: secondary.rcode(ZONE, "SOA") == SERVFAIL, "it expires")
    assert ede(secondary.ask(ZONE, "SOA", use_edns=True)) == [24]
    assert len(secondary.wait_for_lines(f"zone {ZONE.rstrip('.')}: expired")) == 1
    secondary.stop()
    secondary.is_ready = secondary.is_answering
    secondary.start()
    assert secondary.rcode(ZONE, "SOA") == SERVFAIL

    world.fake_primary(ZONE, serial=2, place=(primary.address, primary.port))
    secondary.wait_for_serial(ZONE, 2)


class Disk:
    """A small disk of its own under a folder of a server, that only the server sees."""

    def __init__(self, server, name="data"):
        self.folder = server.folder / name
        self.folder.mkdir()
        self.server = server
        mount = f"mount -t tmpfs -o size=4m none {self.folder}"
        self.root = os.geteuid() == 0
        unshare = own("m")
        trial = servers.run([*unshare, "sh", "-c", mount])
        if trial.returncode != 0:
            pytest.skip(f"no mount of our own here: {trial.stderr.strip()}")
        server.command = lambda: [*unshare, "sh", "-c", f"{mount} && exec {servers.TANDEM} serve -c tandem.yaml"]

    @property
    def inside(self):
        """The folder as the server sees it."""
        return pathlib.Path(f"/proc/{self.server.process.pid}/root{self.folder}")

    def fill(self):
        with pytest.raises(OSError), open(self.inside / "ballast", "wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))

    def empty(self):
        os.unlink(self.inside / "ballast")


def status_of(server, zone=ZONE):
    return json.loads(server.run("status", zone, "--json"))


def wait_until_volatile(server, is_volatile):
    """A version is served a moment before status tells where it is kept."""
    told = f"volatile is {is_volatile}"
    servers.wait_until(lambda: status_of(server)["volatile"] == is_volatile, told)


def large(folder, serial):
    """More than stands in the store itself: a copy of it is a file of its own."""
    return zones.small(folder, ZONE, serial, "".join(f"n{number} TXT \"{serial}\"\n" for number in range(1500)))


def test_primary_takes_small_changes_on_a_full_disk(world):
    """What a primary remembers of a version is small, and room for it is kept."""
    primary = world.new("tandem")
    primary.serve(ZONE, zones.small(world.folder, ZONE, 1))
    disk = Disk(primary)
    primary.start()
    disk.fill()
    for serial in range(2, 12):
        primary.change(ZONE, zones.small(world.folder, ZONE, serial))
        primary.wait_for_serial(ZONE, serial)
    assert not status_of(primary)["volatile"]


def test_primary_refuses_what_it_cannot_keep_and_takes_it_later(world):
    primary = world.new("tandem")
    primary.serve(ZONE, zones.small(world.folder, ZONE, 1))
    primary.start()
    store = primary.folder / "data" / "store.mdb"
    kept = primary.folder / "kept.mdb"
    store.rename(kept)
    kept.unlink()
    primary.put(ZONE, zones.small(world.folder, ZONE, 2))
    result = primary.run_any("reload", "--wait")
    assert result.returncode == 1
    assert "serial 2 could not be made durable" in result.stderr and "was removed while" in result.stderr
    assert "was removed while" in primary.reason(ZONE) and "was removed while" in primary.log_tail()
    assert primary.serial(ZONE) == 1 and not status_of(primary)["volatile"]

    primary.stop()
    primary.start()
    assert primary.serial(ZONE) == 256, "behind all that the store may have known"
    assert primary.reason(ZONE) == ""


def test_secondary_follows_on_with_a_full_disk_and_writes_again_by_itself(world, primary):
    secondary = world.new("tandem", "second")
    secondary.follow(ZONE, primary)
    primary.reconfigure()
    disk = Disk(secondary)
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)
    disk.fill()
    primary.change(ZONE, large(world.folder, 2))
    secondary.wait_for_serial(ZONE, 2)
    wait_until_volatile(secondary, True)
    reason = "No space left on device"
    assert reason in secondary.reason(ZONE) and reason in secondary.log_tail()
    assert "not on disk" in secondary.run("status")

    disk.empty()
    secondary.run("zone", "refresh", ZONE, "--wait")
    wait_until_volatile(secondary, False)
    assert secondary.reason(ZONE) == ""
    [image] = (disk.inside / "images").iterdir()
    assert b"hostmaster" in image.read_bytes()


def test_server_starts_from_a_read_only_folder_and_serves_what_is_there(world, primary):
    secondary = world.new("tandem", "second")
    secondary.follow(ZONE, primary)
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)
    secondary.stop()
    primary.stop()
    data = secondary.folder / "data"
    unshare = own("m")
    mount = f"mount --bind {data} {data} && mount -o remount,bind,ro {data}"
    trial = servers.run([*unshare, "sh", "-c", mount])
    if trial.returncode != 0:
        pytest.skip(f"no mount of our own here: {trial.stderr.strip()}")
    secondary.command = lambda: [*unshare, "sh", "-c", f"{mount} && exec {servers.TANDEM} serve -c tandem.yaml"]
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)
    assert f"data folder {data}: the file system is read-only" in secondary.log_tail()

    primary.put(ZONE, zones.small(world.folder, ZONE, 2))
    primary.start()
    secondary.run("zone", "refresh", ZONE, "--wait")
    secondary.wait_for_serial(ZONE, 2)
    wait_until_volatile(secondary, True)


def image_of(server):
    """The one copy of a zone that is a file of its own."""
    [image] = (server.folder / "data" / "images").iterdir()
    return image


def flip(file, offset):
    octets = bytearray(file.read_bytes())
    octets[offset] ^= 0x10
    file.write_bytes(octets)


@pytest.mark.parametrize("offset", [100, 600, -1], ids=["head", "record", "end"])
def test_bit_flips_in_a_stored_copy_are_noticed_and_it_is_transferred_anew(world, primary, offset):
    secondary = world.new("tandem", "second")
    secondary.follow(ZONE, primary)
    primary.change(ZONE, large(world.folder, 2))
    primary.wait_for_serial(ZONE, 2)
    secondary.start()
    secondary.wait_for_serial(ZONE, 2)
    good = wire.axfr(primary.place, ZONE)
    secondary.stop()
    image = image_of(secondary)
    flip(image, offset)
    secondary.start()
    secondary.wait_for_serial(ZONE, 2)
    wire.assert_equal_zones(good, wire.axfr(secondary.place, ZONE))
    assert "the stored version cannot be used" in secondary.log.read_text()
    assert image.with_name(image.name + ".broken").exists()


STORE_FAULTS = {
    "cut": lambda octets: octets[: 3 * 4096],
    "nonsense": lambda octets: octets[:8192] + bytes([0xA5]) * (len(octets) - 8192),
    "another file": lambda octets: b"nonsense" * 4096,
}


@pytest.mark.parametrize("fault", STORE_FAULTS)
def test_broken_store_is_set_aside_and_the_server_serves_what_it_served(world, primary, fault):
    """A copy comes back from its image without the primary; a small one is transferred anew."""
    secondary = world.new("tandem", "second")
    secondary.follow(ZONE, primary)
    secondary.follow("other.example.", primary)
    primary.configure()
    primary.run("reload", "--wait")
    primary.change(ZONE, large(world.folder, 2))
    for server in (primary, secondary):
        if server is secondary:
            secondary.start()
        server.wait_for_serial(ZONE, 2)
        server.wait_for_serial("other.example.", 1)
    good = wire.axfr(primary.place, ZONE)
    secondary.kill()
    primary.stop()
    store = secondary.folder / "data" / "store.mdb"
    store.write_bytes(STORE_FAULTS[fault](store.read_bytes()))
    secondary.start()
    secondary.wait_for_serial(ZONE, 2)
    wire.assert_equal_zones(good, wire.axfr(secondary.place, ZONE))
    assert "it was set aside as" in secondary.log.read_text()
    primary.start()
    secondary.wait_for_serial("other.example.", 1)


def test_broken_store_of_a_primary_costs_no_service(world, primary):
    primary.stop()
    store = primary.folder / "data" / "store.mdb"
    store.write_bytes(store.read_bytes()[:5000])
    primary.start()
    assert primary.serial(ZONE) == 256, "behind all that the store may have known"
    assert "it was set aside as" in primary.log.read_text()


def test_secondary_starts_when_its_copy_was_lost(world, primary):
    secondary = world.new("tandem", "second")
    secondary.follow(ZONE, primary)
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)
    secondary.stop()
    shutil.rmtree(secondary.folder / "data")
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)
