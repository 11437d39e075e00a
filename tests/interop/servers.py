# SPDX-License-Identifier: MIT
"""Name servers in the foreground on loopback, all behind one face: Tandem, BIND, Knot, NSD and PowerDNS.

Each has an address in 127.0.0.0/8, of its own where it can, and a free unprivileged port, sends NOTIFY and asks for
transfers from that address, and talks to nobody whom the test does not name: zones here are real and name real servers.
"""

import dataclasses
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TANDEM = pathlib.Path(os.environ.get("TANDEM", ROOT / "build" / "tandem"))
# A folder with sbin and bin that has other builds of the peers than Debian's; what it does not have is Debian's.
PEERS_FOLDER = os.environ.get("PEERS")
# Limits for a machine that has much else to do; on a quiet one nothing waits so long.
START_SECONDS = 90
STOP_SECONDS = 60
CHANGE_SECONDS = 90
ANSWER_SECONDS = 60
COMMAND_SECONDS = 180
POLL_SECONDS = 0.02
POLL_ANSWER_SECONDS = 1  # that nobody listens is heard at once; a question that got lost is repeated after this


# Who may transfer and look without a key where servers want one of each other.
LOOKER = "127.0.0.77"
# With more zones than this what they have in common is written once, where the configuration knows groups.
MANY_ZONES = 100


@dataclasses.dataclass(frozen=True)
class Key:
    """A TSIG key of two servers."""

    name: str
    algorithm: str
    secret: str  # base64


@dataclasses.dataclass
class Zone:
    """A zone as a server's configuration has it. With primaries it is a secondary, else the file is served."""

    name: str
    file: pathlib.Path = None
    primaries: list = dataclasses.field(default_factory=list)  # servers
    notify: list = dataclasses.field(default_factory=list)  # servers
    key: Key = None  # of what goes to and comes from the primaries
    notify_keys: dict = dataclasses.field(default_factory=dict)  # of those notified, by the names of the servers

    def key_of(self, server):
        """The key that this server and ours share; None: none."""
        return self.key if server in self.primaries else self.notify_keys.get(server.name)

    def keys_down(self):
        return sorted(set(self.notify_keys.values()), key=lambda key: key.name)


def program(name):
    """A peer's program: of PEERS_FOLDER, or the installed one."""
    for folder in ("sbin", "bin") if PEERS_FOLDER else ():
        path = pathlib.Path(PEERS_FOLDER).resolve() / folder / name
        if path.exists():
            return path
    return pathlib.Path("/usr/sbin") / name


class Addresses:
    """Hands out loopback addresses, other ones in each run; after 250 servers the first come again."""

    def __init__(self):
        self.last = 0

    def next(self):
        self.last += 1
        return f"127.{16 + os.getpid() // 200 % 200}.{1 + os.getpid() % 200}.{1 + (self.last - 1) % 250}"


addresses = Addresses()


def first_passing_port():
    """The kernel takes ports from here on for whoever connects, so that one may be gone before its server binds it."""
    return int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


reserved = []  # sockets whose names keep the ports of this run from every other run, until the process ends


def reserve(port):
    """Whether the port is now ours alone among all runs of the tests on this machine."""
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mark.bind(f"\0tandem-test-port-{port}")
    except OSError:
        mark.close()
        return False
    reserved.append(mark)
    return True


def is_free(address, port):
    """Whether nobody has bound the port, for UDP or for TCP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            udp.bind((address, port))
            tcp.bind((address, port))
            return True
        except OSError:
            return False


def free_port(address):
    """An unprivileged port that is free for UDP and TCP alike, and stays so until its server binds it."""
    ports = range(10240, max(10240 + 1024, first_passing_port()))
    start = random.randrange(len(ports))
    for step in range(len(ports)):
        port = ports[(start + step) % len(ports)]
        if is_free(address, port) and reserve(port):
            return port
    raise AssertionError(f"no free port at {address}")


def listening_sockets(place=None):
    """For a server that a test plays: (address, port) and its sockets for UDP and TCP; without a place at one of its own."""
    address = place[0] if place else addresses.next()
    port = place[1] if place else free_port(address)
    udp, tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    udp.bind((address, port))
    tcp.bind((address, port))
    tcp.listen(16)
    return (address, port), udp, tcp


def wait_until(condition, what, seconds=CHANGE_SECONDS):
    """Asks until the condition gives something true, and gives that. No longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(POLL_SECONDS)


class Server:
    """What is common: a folder, an address, zones, a process."""

    asks_for_differences = False  # as a secondary, where it is told; Knot always does
    takes_orders = False  # zones that it serves from files change by dynamic update (BIND) or by knotc (Knot)
    own_pace = False  # with nothing in its configuration that makes it follow sooner than it would by itself
    keeps_differences = False  # Knot gives them as a primary too, and takes those of a changed file

    kind = None

    def __init__(self, folder, name=None):
        self.name = name or self.kind
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir()
        self.address = self.own_address()
        self.port = free_port(self.address)
        self.zones = []
        self.process = None
        self.log = self.folder / "log"

    def own_address(self):
        return addresses.next()

    @property
    def place(self):
        return (self.address, self.port)

    # ---- Zones

    def serve(self, name, file):
        """A primary of the zone, with a copy of its own of the file."""
        own = self.folder / f"{name.rstrip('.') or 'root'}.zone"
        shutil.copy(file, own)
        zone = Zone(name, file=own)
        self.zones.append(zone)
        return zone

    def follow(self, name, *primaries, key=None):
        """A secondary of the zone, that its primaries notify; with a key, all that they say is signed."""
        zone = Zone(name, primaries=list(primaries), key=key)
        self.zones.append(zone)
        for primary in primaries:
            primary.zone(name).notify.append(self)
            if key:
                primary.zone(name).notify_keys[self.name] = key
        return zone

    def keys(self):
        """All that its configuration has to name."""
        found = {key for zone in self.zones for key in [zone.key, *zone.notify_keys.values()] if key}
        return sorted(found, key=lambda key: key.name)

    def zone(self, name):
        return next(zone for zone in self.zones if zone.name == name)

    def put(self, name, file):
        """Puts another version in place of a zone's file, at once."""
        own = self.zone(name).file
        beside = own.with_suffix(".next")
        shutil.copy(file, beside)
        beside.rename(own)

    def change(self, name, file):
        """The same, and tells the server to read it."""
        self.put(name, file)
        self.reload(name)

    # ---- The process

    def configure(self):
        """Writes the configuration."""
        raise NotImplementedError

    def command(self):
        """The command that runs the server in the foreground."""
        raise NotImplementedError

    def launch(self):
        """Starts the process and does not wait until it serves anything."""
        self.configure()
        self.begin()

    def begin(self):
        """The same with the configuration that was written before."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in self.command()], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def start(self):
        self.launch()
        try:
            wait_until(self.is_ready, f"{self.name} answers on {self.address}@{self.port}", START_SECONDS)
        except AssertionError:
            self.kill()
            raise
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}\n{self.log_tail()}")
        served = [zone.name for zone in self.zones if not zone.primaries]
        return all(self.serial(name, POLL_ANSWER_SECONDS) is not None for name in served) and self.is_answering()

    def is_answering(self):
        return self.ask("ready.invalid", "A", seconds=POLL_ANSWER_SECONDS) is not None

    def reload(self, name):
        """Has the server read a zone's file again."""
        self.process.send_signal(signal.SIGHUP)

    def reload_all(self):
        """The same for all zones whose files changed."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        """Ends the server in an orderly way. A server that does not end, or not well, is a failure."""
        if self.process is None:
            return
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{self.name} did not end within {STOP_SECONDS} s of SIGTERM") from None
        assert status in (0, -signal.SIGTERM), f"{self.name} ended with {status}\n{self.log_tail()}"

    def kill(self):
        """The machine lost power."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def log_tail(self, lines=60):
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    # ---- Questions

    def ask(self, name, rrtype, tcp=False, seconds=ANSWER_SECONDS, **options):
        """The answer to one question, or None if there was none."""
        query = dns.message.make_query(name, rrtype, **options)
        query.flags &= ~dns.flags.RD
        try:
            if tcp:
                return dns.query.tcp(query, self.address, port=self.port, timeout=seconds)
            return self.ask_by_udp(query, seconds)
        except (OSError, dns.exception.DNSException):
            return None

    def ask_by_udp(self, query, seconds):
        """From a connected socket, which hears at once that nobody listens. What got lost is asked once more."""
        deadline = time.monotonic() + seconds
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.connect(self.place)
            udp.setblocking(False)
            while True:
                try:
                    return dns.query.udp(query, self.address, port=self.port, timeout=POLL_ANSWER_SECONDS, sock=udp)
                except dns.exception.Timeout:
                    if time.monotonic() >= deadline:
                        raise

    def rcode(self, name, rrtype):
        """The RCODE of one answer, or None if there was no answer."""
        answer = self.ask(name, rrtype)
        return None if answer is None else answer.rcode()

    def serial(self, zone, seconds=ANSWER_SECONDS):
        """The serial that is served with authority, or None."""
        answer = self.ask(zone, "SOA", seconds=seconds)
        if answer is None or answer.rcode() != dns.rcode.NOERROR or not answer.flags & dns.flags.AA:
            return None
        for rrset in answer.answer:
            if rrset.rdtype == dns.rdatatype.SOA:
                return rrset[0].serial
        return None

    def wait_for_serial(self, zone, serial, seconds=CHANGE_SECONDS):
        """Until the zone is served with exactly this serial; gives the seconds that it took."""
        start = time.monotonic()
        wait_until(
            lambda: self.serial(zone, POLL_ANSWER_SECONDS) == serial,
            f"{self.name} serves {zone} with serial {serial}",
            seconds,
        )
        return time.monotonic() - start


class Tandem(Server):
    kind = "tandem"
    workers = 2
    log_level = "info"
    usual_options = {"tcp-initial": "60s"}  # 3 s may pass between the two first steps of a client

    def __init__(self, folder, name=None):
        super().__init__(folder, name)
        self.zone_options = {}  # lines for each zone, as the configuration has them
        self.server_options = {}  # lines for the server
        self.extra_keys = []  # keys beside those that it shares with other servers of the test
        self.key_files = {}  # more keys, by name: files that have them
        self.more_of_peers = {}  # names of further keys of a peer, by its name
        self.tandems = []  # servers that it is told are Tandems
        self.sources = {source: self.address for source in ("query-source", "notify-source", "transfer-source")}

    def configure(self):
        lines = [
            "server:",
            f'  listen: ["{self.address}@{self.port}"]',
            "  data-dir: data",
            "  control: control.sock",
            f"  workers: {self.workers}",
            f"  log-level: {self.log_level}",
            *[f"  {option}: {value}" for option, value in {**self.usual_options, **self.server_options}.items()],
            *self.lines_of_keys(),
        ]
        is_of_many = len(self.zones) > MANY_ZONES and not any(zone.keys_down() for zone in self.zones)
        if is_of_many:
            lines += ["groups:", "  - name: many", *self.options_of_zone(None)]
        lines.append("zones:" if self.zones else "zones: []")
        for zone in self.zones:
            lines.append(f'  - name: "{zone.name}"')
            if zone.file:
                lines.append(f'    file: "{zone.file}"')
            if zone.primaries:
                lines.append(f"    primaries: [{self.named(zone, zone.primaries)}]")
            if zone.notify:
                lines.append(f"    notify: [{self.named(zone, zone.notify)}]")
            lines += ["    group: many"] if is_of_many else self.options_of_zone(zone)
        (self.folder / "tandem.yaml").write_text("\n".join(lines) + "\n")

    def options_of_zone(self, zone):
        """Lines of what is said of the zone beside where it comes from and goes to; None: of any that is sent without keys."""
        lines = [f"    {option}: {value}" for option, value in self.zone_options.items()]
        lines += [f'    {source}: ["{address}"]' for source, address in self.sources.items()]
        if "allow-transfer" not in self.zone_options:
            keys = "".join(f', {{key: "{key.name}"}}' for key in zone.keys_down()) if zone else ""
            prefix = f"{LOOKER}/32" if keys else "127.0.0.0/8"
            lines.append(f'    allow-transfer: [{{from: ["{prefix}"]}}{keys}]')
        return lines

    def reconfigure(self):
        """Writes the configuration anew, and has the running server read it."""
        self.configure()
        self.run("reload")

    def command(self):
        if not TANDEM.exists():
            pytest.fail(f"there is no {TANDEM}: run make")
        return [TANDEM, "serve", "-c", "tandem.yaml"]

    def keyed(self):
        """Those that this server shares a key with, and the keys."""
        zones = [(zone, server) for zone in self.zones for server in zone.primaries + zone.notify]
        return {server.name: (server, key) for zone, server in zones if (key := zone.key_of(server))}

    def lines_of_keys(self):
        found = dict.fromkeys([*self.keys(), *self.extra_keys])
        keys = [f'  - {{name: "{key.name}", algorithm: {key.algorithm}, secret: "{key.secret}"}}' for key in found]
        keys += [f'  - {{name: "{name}", file: "{file}"}}' for name, file in self.key_files.items()]
        peers = []
        for name, (server, key) in self.keyed().items():
            names = ", ".join(f'"{word}"' for word in [key.name, *self.more_of_peers.get(name, [])])
            tandem = ", tandem: on" if server in self.tandems else ""
            peers.append(f'  - {{name: {name}, address: ["{server.address}@{server.port}"], key: [{names}]{tandem}}}')
        for server in self.tandems:
            if server.name not in self.keyed():
                peers.append(f'  - {{name: {server.name}, address: "{server.address}@{server.port}", tandem: on}}')
        return [*(["keys:", *keys] if keys else []), *(["peers:", *peers] if peers else [])]

    def named(self, zone, others):
        """A list of other servers: peers where there is a key, or something to say of them."""
        are_peers = [other in self.tandems or zone.key_of(other) for other in others]
        return ", ".join(other.name if is_peer else places([other]) for other, is_peer in zip(others, are_peers))

    def run_any(self, *words):
        """Runs a subcommand against this server; gives the ended process."""
        command = [TANDEM, *words, "--control", self.folder / "control.sock"]
        return run(command, self.folder)

    def run(self, *words):
        """The same, and it must succeed; gives what it printed."""
        result = self.run_any(*words)
        assert result.returncode == 0, f"{words}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result.stdout

    def status(self, *words):
        """What status tells, of a zone or of the server."""
        return json.loads(self.run("status", *words, "--json"))

    def reason(self, zone):
        """Why a zone is not as it should be, as status tells it; empty: all is well."""
        return self.status(zone)["reason"] or ""

    def flush(self, name):
        """Has the store know all of what is served. A primary's records come there some time after it serves them, and a stop
        does not wait for that."""
        self.run("zone", "flush", name, "--wait")

    def copy_on_disk(self, name):
        """The newest file of a large version's records, once the server has written it; another one may still take its place
        until the server has stopped."""
        images = self.folder / "data" / "images"
        finished = f"{name}{'[0-9a-f]' * 16}"
        return wait_until(lambda: sorted(images.glob(finished)), f"{self.name} has a copy of {name}")[-1]

    def lines(self, *parts):
        """The lines of the log that have all these parts."""
        return [line for line in self.log.read_text().splitlines() if all(part in line for part in parts)]

    def wait_for_lines(self, *parts, count=1):
        """The same, once there are so many: what is served, and a transfer's end, are seen a moment before they are logged."""
        wait_until(lambda: len(self.lines(*parts)) >= count, f"{self.name} logs {count} times {parts}")
        return self.lines(*parts)


class Bind(Server):
    kind = "bind"

    def own_address(self):
        return "127.0.0.1"  # it listens only on addresses that an interface lists

    def configure(self):
        lines = [
            "options {",
            f'  directory "{self.folder}"; pid-file none; session-keyfile none; managed-keys-directory "{self.folder}";',
            f"  listen-on port {self.port} {{ {self.address}; }}; listen-on-v6 {{ none; }};",
            "  recursion no; dnssec-validation no; notify explicit; empty-zones-enable no; minimal-responses yes;",
            f"  notify-source {self.address}; transfer-source {self.address}; query-source address {self.address};",
            "  check-names primary ignore; check-integrity no;",
            "" if self.own_pace else "  notify-delay 0; serial-query-rate 1000;",
            "  transfers-out 100; allow-transfer { 127.0.0.0/8; }; allow-update { none; };",
            f"  request-ixfr {'yes' if self.asks_for_differences else 'no'};",
            "};",
            "controls { };",
        ]
        for key in self.keys():
            lines.append(f'key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};')
        for zone in self.zones:
            lines.append(f'zone "{zone.name}" {{')
            if zone.primaries:
                primaries = self.addressed(zone, zone.primaries)
                copy = f"{zone.name.rstrip('.') or 'root'}.copy"
                lines.append(f'  type secondary; file "{copy}"; masterfile-format text; primaries {{{primaries} }};')
            else:
                lines.append(f'  type primary; file "{zone.file}";')
                lines.append("  allow-update { 127.0.0.0/8; };" if self.takes_orders else "")
            keys = "".join(f' key "{key.name}";' for key in zone.keys_down())
            lines.append(f"  allow-transfer {{ {LOOKER};{keys} }};" if keys else "")
            targets = self.addressed(zone, zone.notify)
            lines.append(f"  also-notify {{{targets} }};" if targets else "  notify no;")
            lines.append("};")
        (self.folder / "named.conf").write_text("\n".join(lines) + "\n")

    @staticmethod
    def addressed(zone, others):
        keys = {other: zone.key_of(other) for other in others}
        words = {other: f' key "{key.name}"' if key else "" for other, key in keys.items()}
        return "".join(f" {other.address} port {other.port}{words[other]};" for other in others)

    def command(self):
        named = program("named")
        if named.resolve().parent == pathlib.Path("/usr/sbin"):
            # AppArmor confines the installed path to /etc/bind and /var/cache/bind.
            installed, named = named, self.folder / "named"
            if not named.exists():
                shutil.copy(installed, named)
        return [named, "-g", "-n", "1", "-c", self.folder / "named.conf"]


class Knot(Server):
    kind = "knot"
    # 500 and 5000, which it would wait, end what a busy machine keeps waiting.
    io_timeout_ms = 60000
    remote_io_timeout_ms = 60000

    def configure(self):
        lines = [
            "server:",
            f"  listen: {self.address}@{self.port}",
            f"  rundir: {self.folder}",
            "  udp-workers: 1",
            "  tcp-workers: 1",
            "  background-workers: 2",
            f"  tcp-io-timeout: {self.io_timeout_ms}",
            f"  tcp-remote-io-timeout: {self.remote_io_timeout_ms}",
            "control:",
            f"  listen: {self.folder}/knot.sock",
            "database:",
            f"  storage: {self.folder}",
            "  journal-db-max-size: 100M",
            "log:",
            "  - target: stderr",
            "    any: info",
            *(["key:"] if self.keys() else []),
        ]
        for key in self.keys():
            lines += [f"  - id: {key.name}", f"    algorithm: {key.algorithm}", f"    secret: {key.secret}"]
        lines += [
            "acl:",
            "  - id: loopback",
            f"    address: {LOOKER if self.keys() else '127.0.0.0/8'}",
            "    action: [transfer, notify]",
        ]
        names = ", ".join(key.name for key in self.keys())
        if names:
            lines += ["  - id: keyed", f"    key: [{names}]", "    action: [transfer, notify]"]
        remotes = {server.name: (zone, server) for zone in self.zones for server in zone.primaries + zone.notify}
        if remotes:
            lines.append("remote:")
        for name, (zone, server) in remotes.items():
            lines.append(f"  - id: {name}")
            lines.append(f"    address: {server.address}@{server.port}")
            lines.append(f"    via: {self.address}")
            if zone.key_of(server):
                lines.append(f"    key: {zone.key_of(server).name}")
        lines.append("zone:")
        for zone in self.zones:
            lines.append(f'  - domain: "{zone.name}"')
            copy = f"{self.folder}/{zone.name.rstrip('.') or 'root'}.copy"
            lines.append(f"    file: {zone.file or copy}")
            lines.append(f"    acl: [loopback{', keyed' if names else ''}]")
            lines.append("    semantic-checks: off")
            lines.append(f"    zonefile-load: {'difference' if self.keeps_differences else 'whole'}")
            lines.append(f"    zonefile-sync: {-1 if self.takes_orders else 0}")
            lines.append(f"    journal-content: {'changes' if self.keeps_differences else 'none'}")
            if zone.primaries:
                lines.append(f"    master: [{', '.join(server.name for server in zone.primaries)}]")
            if zone.notify:
                lines.append(f"    notify: [{', '.join(server.name for server in zone.notify)}]")
        (self.folder / "knot.conf").write_text("\n".join(lines) + "\n")

    def command(self):
        return [program("knotd"), "-c", self.folder / "knot.conf"]

    def reload(self, name):
        self.order("-b", "zone-reload", name)

    def reload_all(self):
        self.order("zone-reload")

    def order(self, *words):
        """By knotc, which must succeed."""
        done = run([program("knotc"), "-s", self.folder / "knot.sock", *words])
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"


class Nsd(Server):
    kind = "nsd"

    def configure(self):
        lines = [
            "server:",
            f"  ip-address: {self.address}@{self.port}",
            '  username: ""',
            '  chroot: ""',
            f'  zonesdir: "{self.folder}"',
            f'  pidfile: "{self.folder}/nsd.pid"',
            f'  xfrdfile: "{self.folder}/xfrd.state"',
            f'  xfrdir: "{self.folder}"',
            f'  zonelistfile: "{self.folder}/zone.list"',
            '  database: ""',
            "" if self.own_pace else "  xfrd-reload-timeout: 0",
            "  rrl-ratelimit: 0",
            "  minimal-responses: yes",
            "  server-count: 1",
            "  verbosity: 2",
            "remote-control:",
            "  control-enable: no",
        ]
        keys = self.keys()
        for key in keys:
            lines += ["key:", f'  name: "{key.name}"', f"  algorithm: {key.algorithm}", f'  secret: "{key.secret}"']
        for zone in self.zones:
            lines.append("zone:")
            lines.append(f'  name: "{zone.name}"')
            copy = f"{self.folder}/{zone.name.rstrip('.') or 'root'}.copy"
            lines.append(f'  zonefile: "{zone.file or copy}"')
            lines.append(f"  provide-xfr: {LOOKER if keys else '127.0.0.0/8'} NOKEY")
            lines += [f"  provide-xfr: 127.0.0.0/8 {key.name}" for key in zone.keys_down()]
            lines.append(f"  outgoing-interface: {self.address}")
            lines.append("  notify-retry: 3")
            for server in zone.primaries:
                how = "" if self.asks_for_differences else "AXFR "
                lines.append(f"  request-xfr: {how}{server.address}@{server.port} {self.key_word(zone, server)}")
                lines.append(f"  allow-notify: {server.address} {self.key_word(zone, server)}")
            for server in zone.notify:
                lines.append(f"  notify: {server.address}@{server.port} {self.key_word(zone, server)}")
        (self.folder / "nsd.conf").write_text("\n".join(lines) + "\n")

    @staticmethod
    def key_word(zone, server):
        key = zone.key_of(server)
        return key.name if key else "NOKEY"

    def command(self):
        return [program("nsd"), "-d", "-c", self.folder / "nsd.conf"]


class PowerDns(Server):
    """Only a primary, of zones that are signed already: it answers, and is no partner in replication."""

    kind = "powerdns"

    def configure(self):
        lines = [
            "launch=bind",
            f"bind-config={self.folder}/zones.conf",
            f"bind-dnssec-db={self.folder}/metadata.db",
            f"local-address={self.address}",
            f"local-port={self.port}",
            f"query-local-address={self.address}",
            "socket-dir=.",  # where it runs; the whole path of a socket may have 107 octets
            "daemon=no",
            "guardian=no",
            "security-poll-suffix=",  # else it asks its makers whether it is up to date
            "disable-axfr=yes",
            "any-to-tcp=no",
            "dname-processing=yes",
            "cache-ttl=0",
            "query-cache-ttl=0",
            "negquery-cache-ttl=0",
        ]
        (self.folder / "pdns.conf").write_text("\n".join(lines) + "\n")
        zones = [f'zone "{zone.name}" {{ type master; file "{zone.file}"; }};' for zone in self.zones]
        (self.folder / "zones.conf").write_text("\n".join(zones) + "\n")
        made = run(["/usr/bin/pdnsutil", "--config-dir", self.folder, "create-bind-db", self.folder / "metadata.db"])
        assert made.returncode == 0, made.stderr
        with sqlite3.connect(self.folder / "metadata.db") as metadata:
            for zone in self.zones:
                metadata.executemany(
                    "INSERT INTO domainmetadata (domain, kind, content) VALUES (?, ?, ?)", self.signing_of(zone)
                )

    @staticmethod
    def signing_of(zone):
        """What it must be told about a zone that is signed already."""
        text = zone.file.read_text()
        name = zone.name.rstrip(".").lower()
        rows = []
        if re.search(r"\sRRSIG\sSOA\s", text):
            rows.append((name, "PRESIGNED", "1"))
        param = re.search(r"\sNSEC3PARAM\s+(\d+ \d+ \d+ \S+)", text)
        if param:
            rows.append((name, "NSEC3PARAM", param.group(1)))
        return rows

    def command(self):
        return ["/usr/sbin/pdns_server", f"--config-dir={self.folder}"]


def run(command, folder=None, seconds=COMMAND_SECONDS, **options):
    """Runs a command to its end and gives the ended process with what it printed."""
    command = [str(word) for word in command]
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, **options}
    return subprocess.run(command, cwd=folder, timeout=seconds, check=False, **options)


def places(servers):
    return ", ".join(f'"{server.address}@{server.port}"' for server in servers)


PEERS = {"bind": Bind, "knot": Knot, "nsd": Nsd}
KINDS = {"tandem": Tandem, **PEERS, "powerdns": PowerDns}
