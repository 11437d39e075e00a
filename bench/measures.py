# SPDX-License-Identifier: MIT
"""One measurement of one server each: a row of figures, {column: number}. Which server it is makes no difference here."""

import atexit
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import servers
import worlds

servers.POLL_ANSWER_SECONDS = 0.01
servers.POLL_SECONDS = 0.002
servers.Tandem.workers = 1
ECHO = "null echo"
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE_SECONDS = 600
SERVER_CPU, LOAD_CPU = "0", "1"
LATENCY_RATE = 2000  # questions per second, far below what any of them can do
LATENCY_SECONDS = 4
TOGETHER = 20  # transfers at once
SAMPLE_ZONES = 50  # of a world of many, whose answers say that it is loaded


def kinds():
    return {"tandem": servers.Tandem, **servers.PEERS}


# ---- Processes


def family(pid):
    """The process and all that it started."""
    found = [pid]
    try:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    except FileNotFoundError:
        pass  # it ended while we looked
    return found


def pss_bytes(pid):
    """Memory of all its processes, what they share counted once."""
    total = 0
    for member in family(pid):
        try:
            lines = pathlib.Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def cpu_seconds(pid):
    """User and system time of all its processes."""
    user = system = 0
    for member in family(pid):
        fields = pathlib.Path(f"/proc/{member}/stat").read_text().rsplit(")", 1)[1].split()
        user += int(fields[11])
        system += int(fields[12])
    return user / TICKS, system / TICKS


def pin(server):
    """On one core, so that the load has the other."""
    for member in family(server.process.pid):
        subprocess.run(["taskset", "-a", "-c", "-p", SERVER_CPU, str(member)], check=True, stdout=subprocess.DEVNULL)


def on_load_cpu(*words):
    """Runs a command on the other core; gives what it printed."""
    command = ["taskset", "-c", LOAD_CPU, *(str(word) for word in words)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    if result.returncode != 0:
        sys.exit(f"bench: {' '.join(command)}: {result.stderr}")
    return result.stdout


def traffic_of(program, *words):
    """Runs a program of bench/ that makes traffic; gives its figures."""
    return json.loads(on_load_cpu(BUILD / program, *words))


def traffic(*words):
    return traffic_of("traffic", *words)


class Sampler:
    """The most memory that a server has had while the block ran."""

    def __init__(self, pid):
        self.pid = pid
        self.most = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.ended.wait(0.02):
            self.most = max(self.most, pss_bytes(self.pid))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


# ---- Servers with a world


def started(kind, folder, world, primary=None, mark=None):
    """A server of this kind with the world, and the seconds from its start to answers from all of it."""
    server = kinds()[kind](folder)
    if primary:
        server.follow(world.zones[0][0], primary)
    else:
        server.zones = [servers.Zone(name, file=file) for name, file, _ in world.zones]
    step = max(1, len(world.zones) // SAMPLE_ZONES)
    sample = [world.zones[-1], *world.zones[::step]]
    start = time.monotonic()
    server.launch()
    atexit.register(server.kill)
    for name, _, serial in sample:
        server.wait_for_serial(name, mark or serial, PATIENCE_SECONDS)
    return server, time.monotonic() - start


# ---- What is measured


def load(kind, folder, world):
    """Start to the first answer, memory at rest, and at the most while a changed file of the whole zone is read."""
    server, seconds = started(kind, folder, world)
    pid = server.process.pid
    resting = pss_bytes(pid)
    figures = {"s": seconds, "cpu s": sum(cpu_seconds(pid)), "MiB": resting / 2**20}
    figures[f"B/{world.unit}"] = resting / world.count
    if isinstance(world, worlds.Tld):
        figures["peak/rest"] = reload_peak(server, world, folder / "changed.zone") / resting
    server.kill()
    return figures


def reload_peak(server, world, changed):
    """Octets at the most while the server reads a changed file; the world's own file is put back afterwards."""
    name, file, _ = world.zones[0]
    serial = world.changed(changed)
    kept = file.with_suffix(".kept")
    file.rename(kept)
    changed.rename(file)
    try:
        with Sampler(server.process.pid) as sampler:
            server.reload(name)
            server.wait_for_serial(name, serial, PATIENCE_SECONDS)
    finally:
        kept.rename(file)
    return sampler.most


def dnsperf(*options):
    """A load that keeps questions outstanding, by somebody else's hand; gives the answers and the seconds they took."""

    def run(server, world, seconds):
        command = ["dnsperf", "-s", server.address, "-p", server.port, "-d", world.questions(), "-l", seconds]
        report = on_load_cpu(*command, *options)
        return int(report.split("Queries completed:")[1].split()[0]), seconds

    return run


def saturating(*options):
    """bench/saturate.c: the server is busy all the time. Gives the answers and the seconds they took."""

    def run(server, world, seconds):
        figures = traffic_of("saturate", f"{server.address}@{server.port}", world.questions(), seconds, *options)
        others = {code: count for code, count in figures["rcodes"].items() if code not in ("0", "3")}
        if others or figures["lost"] > figures["asked"] / 100:
            sys.exit(f"bench: not a load to compare by: {figures['lost']} questions lost, other RCODEs: {others}")
        return figures["answered"], figures["seconds"]

    return run


def connecting(server, world, seconds):
    """A load that opens a connection for each question; gives the answers and the seconds they took."""
    figures = traffic("connect", f"{server.address}@{server.port}", world.questions(), 16, seconds)
    return figures["answered"], figures["seconds"]


class Echo:
    """bench/null_echo.c behind the face that a load looks at: what the kernel takes for itself."""

    def __init__(self):
        self.address = servers.addresses.next()
        self.port = servers.free_port(self.address)
        command = ["taskset", "-c", SERVER_CPU, BUILD / "null_echo", "plain", f"{self.address}@{self.port}", "30"]
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()


def asked(kind, folder, world, load_of, seconds=4):
    """Answers per second and CPU time per answer, the server on one core and the load on the other."""
    if kind == ECHO:
        server = Echo()
    else:
        server, _ = started(kind, folder, world)
        pin(server)
    try:
        load_of(server, world, 1)
        before = cpu_seconds(server.process.pid)
        answers, seconds = load_of(server, world, seconds)
        after = cpu_seconds(server.process.pid)
    finally:
        server.kill()
    user, system = ((after[i] - before[i]) * 1e6 / max(1, answers) for i in (0, 1))
    busy = (user + system) * answers / seconds / 1e4
    return {"k/s": answers / seconds / 1000, "us user": user, "us system": system, "us": user + system, "busy %": busy}


def udp(kind, folder, world):
    return asked(kind, folder, world, saturating("plain"))


def udp_do(kind, folder, world):
    return asked(kind, folder, world, saturating("do"))


def udp_dnsperf(kind, folder, world):
    return asked(kind, folder, world, dnsperf("-c", "16", "-q", "200"))


def tcp(kind, folder, world):
    """Connections that are kept, pipelined."""
    return asked(kind, folder, world, dnsperf("-m", "tcp", "-c", "16", "-q", "200"))


def tcp_each(kind, folder, world):
    """A connection for each question."""
    return asked(kind, folder, world, connecting)


def fetch(server, world, count, *save):
    return traffic("fetch", f"{server.address}@{server.port}", world.zones[0][0], count, *save)


def latency(server, world):
    return traffic("latency", f"{server.address}@{server.port}", world.questions(), LATENCY_RATE, LATENCY_SECONDS)


def axfr_out(kind, folder, world):
    """A plain reader on the other core; then 20 at once, and how long questions take meanwhile."""
    server, _ = started(kind, folder, world)
    pin(server)
    before = sum(cpu_seconds(server.process.pid))
    one = fetch(server, world, 1)
    cpu = sum(cpu_seconds(server.process.pid)) - before
    quiet = latency(server, world)
    busy = {}
    asking = threading.Thread(target=lambda: busy.update(latency(server, world)))
    asking.start()
    together = fetch(server, world, TOGETHER)
    asking.join()
    server.kill()
    return {
        "Mrec/s": one["records"] / one["seconds"] / 1e6,
        "MB/s": one["octets"] / one["seconds"] / 1e6,
        "cpu s": cpu,
        "20: Mrec/s": together["records"] / together["seconds"] / 1e6,
        "20: cut": together["cut"],
        "p99 idle": quiet["p99_us"],
        "p99 busy": busy["p99_us"],
    }


class Sender:
    """A primary that costs nothing: a transfer that NSD once sent, from memory."""

    def __init__(self, folder, world):
        (folder / "source").mkdir()
        source, _ = started("nsd", folder / "source", world)
        fetch(source, world, 1, folder / "saved")
        source.kill()
        self.name = "sender"
        self.address = servers.addresses.next()
        self.port = servers.free_port(self.address)
        self.notified = servers.Zone(world.zones[0][0])
        command = ["taskset", "-c", LOAD_CPU, BUILD / "traffic", "send", f"{self.address}@{self.port}", folder / "saved"]
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE)
        self.process.stdout.readline()  # "ready": whoever were refused at first would wait long before they ask again

    def zone(self, _name):
        return self.notified

    def kill(self):
        self.process.kill()
        self.process.wait()


def axfr_in(kind, folder, world):
    """Start of an empty secondary to its first answer: from NSD, and from a sender that only sends."""
    for part in ("nsd", "from-nsd", "sender", "from-sender"):
        (folder / part).mkdir()
    nsd, _ = started("nsd", folder / "nsd", world)
    follower, from_nsd = started(kind, folder / "from-nsd", world, nsd)
    follower.kill()
    nsd.kill()
    sender = Sender(folder / "sender", world)
    follower, from_sender = started(kind, folder / "from-sender", world, sender)
    cpu = sum(cpu_seconds(follower.process.pid))
    follower.kill()
    sender.kill()
    return {"from nsd s": from_nsd, "from sender s": from_sender, "cpu s": cpu}
