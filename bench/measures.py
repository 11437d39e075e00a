# SPDX-License-Identifier: MIT
"""One measurement of one server each: a row of figures, {column: number}. Which server it is makes no difference here."""

import atexit
import json
import os
import pathlib
import shutil
import statistics
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
servers.Knot.io_timeout_ms, servers.Knot.remote_io_timeout_ms = 500, 5000  # its own
ECHO = "null echo"
PROGRAMS = {"bind": ["named"], "knot": ["knotd", "knotc"], "nsd": ["nsd"]}
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE_SECONDS = 600
SERVER_CPU, LOAD_CPU = "0", "1"
LATENCY_RATE = 2000  # questions per second, far below what any of them can do
LATENCY_SECONDS = 4
CONNECTIONS = 8  # at once, where each has one question; BIND and Knot let no more than ten wait to be accepted
LOAD_SECONDS = 4  # of a load, after one to warm up
DISTURBED_MAX = 3  # times that a load is tried when somebody else takes a core
BUSY_MIN = 90  # per cent of its core that a server must have had that is busy all the time
ON_CORE_MIN = 0.95  # part of the time that a load must have had its core
IDLE_SECONDS = 0.25  # in which a server that has nothing to do takes next to no time
TOGETHER = 20  # transfers at once
SAMPLE_ZONES = 50  # of a world of many, whose answers say that it is loaded


class Tandem(servers.Tandem):
    """As whoever installs it has it."""

    log_level = "notice"


def kinds():
    return {"tandem": Tandem, **servers.PEERS}


def program_problem(kind):
    """Why a server of this kind cannot be measured, or None."""
    if kind == "tandem":
        return None if servers.TANDEM.exists() else f"there is no {servers.TANDEM}: run make"
    for name in PROGRAMS[kind]:
        if not os.access(servers.program(name), os.X_OK):
            return f"there is no {servers.program(name)}: `tools/setup test` sees to it, or --servers leaves {kind} out"
    return None


def version(kind):
    """What is measured: the program and what it says of itself."""
    program = servers.TANDEM if kind == "tandem" else servers.program(PROGRAMS[kind][0])
    option = {"tandem": "--version", "bind": "-V", "knot": "-V", "nsd": "-v"}[kind]
    said = subprocess.run([program, option], capture_output=True, text=True, check=False)
    lines = (said.stdout + said.stderr).splitlines() or ["?"]
    return f"{kind}: {program}, {lines[0].strip()}"


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
        try:
            fields = pathlib.Path(f"/proc/{member}/stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked, as NSD's servers do at each reload
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


enders = []  # what ends all that was started, once more where it has ended


def end_all():
    while enders:
        enders.pop()()


atexit.register(end_all)


def spawned(words, **options):
    """A process of our own that ends with us."""
    process = subprocess.Popen([str(word) for word in words], **options)
    enders.append(lambda: end(process))
    return process


def end(process):
    if process.poll() is None:
        process.kill()
    process.wait()


class Sampler:
    """The most memory that a server has had while the block ran."""

    def __init__(self, pid, every_seconds=0.02):
        self.pid = pid
        self.every_seconds = every_seconds
        self.most = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.ended.wait(self.every_seconds):
            self.most = max(self.most, pss_bytes(self.pid))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


# ---- Servers with a world


def started(kind, folder, world, primary=None, **options):
    """A server of this kind with the world, and the seconds from its start to answers from all of it."""
    server = kinds()[kind](folder)
    for name, value in options.items():
        setattr(server, name, value)
    if primary:
        server.follow(world.zones[0][0], primary)
    else:
        server.zones = [servers.Zone(name, file=file) for name, file, _ in world.zones]
    enders.append(server.kill)
    return server, seconds_to_answers(server, world)


def sample_of(world):
    """Zones whose answers say that all of the world is served: the last one comes first."""
    step = max(1, len(world.zones) // SAMPLE_ZONES)
    return [world.zones[-1], *world.zones[::step]]


def seconds_to_answers(server, world):
    """From the start of the server to answers from all of the world."""
    server.configure()
    start = time.monotonic()
    server.begin()
    for name, _, serial in sample_of(world):
        server.wait_for_serial(name, serial, PATIENCE_SECONDS)
    return time.monotonic() - start


def seconds_to_first_and_all(server, world):
    """From the start of the server to an answer from the first zone of its configuration, and from all of the world."""
    server.configure()
    start = time.monotonic()
    server.begin()
    server.wait_for_serial(world.zones[0][0], world.zones[0][2], PATIENCE_SECONDS)
    first = time.monotonic() - start
    for name, _, serial in sample_of(world):
        server.wait_for_serial(name, serial, PATIENCE_SECONDS)
    return first, time.monotonic() - start


# ---- What is measured


def load(kind, folder, world):
    """Start to the first answer, memory at rest, and at the most while a changed file of the whole zone is read."""
    server, seconds = started(kind, folder, world)
    pid = server.process.pid
    resting = pss_bytes(pid)
    figures = {"s": seconds, "cpu s": sum(cpu_seconds(pid)), "MiB": resting / 2**20}
    figures[f"B/{world.unit}"] = resting / world.count
    if isinstance(world, worlds.Tld):
        wait_until_idle(server)
        resting = pss_bytes(pid)
        again, peak = reload(server, world)
        figures |= {"reload s": again, "peak/rest": peak / resting}
    server.kill()
    return figures


def reload(server, world):
    """Seconds until a changed file is served, and octets at the most meanwhile; the world's own file is put back."""
    name, file, _ = world.zones[0]
    changed, serial = world.changed()
    kept = file.with_suffix(".kept")
    file.rename(kept)
    os.link(changed, file)
    try:
        with Sampler(server.process.pid) as sampler:
            start = time.monotonic()
            server.reload(name)
            server.wait_for_serial(name, serial, PATIENCE_SECONDS)
            seconds = time.monotonic() - start
    finally:
        kept.rename(file)
    return seconds, sampler.most


def dnsperf(*options):
    """A load by somebody else's hand; gives the answers, the seconds they took, the questions without answer, and whether
    nothing disturbed it."""

    def run(server, world, seconds):
        command = ["dnsperf", "-s", server.address, "-p", server.port, "-d", world.questions(), "-l", seconds]
        report = on_load_cpu(*command, *options)
        return int(report.split("Queries completed:")[1].split()[0]), seconds, 0, True

    return run


def saturating(*options):
    """The same by bench/saturate.c, whose questions a server never comes to the end of."""

    def run(server, world, seconds):
        figures = traffic_of("saturate", f"{server.address}@{server.port}", world.questions(), seconds, *options)
        others = {code: count for code, count in figures["rcodes"].items() if code not in ("0", "3")}
        if others or figures["answered"] < figures["asked"] / 2:
            sys.exit(f"bench: {server.address}@{server.port} does not answer what it is asked: {figures}")
        return figures["answered"], figures["seconds"], figures["lost"], figures["on_core"] > ON_CORE_MIN

    return run


def connecting(server, world, seconds):
    """A load that opens a connection for each question."""
    figures = traffic("connect", f"{server.address}@{server.port}", world.questions(), CONNECTIONS, seconds)
    return figures["answered"], figures["seconds"], 0, True


def wait_until_idle(server):
    """What it still does for itself after it has begun to answer is not part of an answer."""

    def is_idle():
        before = sum(cpu_seconds(server.process.pid))
        time.sleep(IDLE_SECONDS)
        return sum(cpu_seconds(server.process.pid)) - before < IDLE_SECONDS / 10

    servers.wait_until(is_idle, "the server has nothing to do", PATIENCE_SECONDS)


class Echo:
    """bench/null_echo.c behind the face that a load looks at: what the kernel takes for itself."""

    def __init__(self):
        self.address = servers.addresses.next()
        self.port = servers.free_port(self.address)
        command = ["taskset", "-c", SERVER_CPU, BUILD / "null_echo", "plain", f"{self.address}@{self.port}", "30"]
        self.process = spawned(command, stdout=subprocess.DEVNULL)

    def kill(self):
        end(self.process)


def one_load(server, world, load_of):
    """Answers per second and CPU time per answer, and whether nobody else took the core of the load."""
    before = cpu_seconds(server.process.pid)
    answers, seconds, lost, undisturbed = load_of(server, world, LOAD_SECONDS)
    after = cpu_seconds(server.process.pid)
    user, system = ((after[i] - before[i]) * 1e6 / max(1, answers) for i in (0, 1))
    figures = {
        "k/s": answers / seconds / 1000,
        "us user": user,
        "us system": system,
        "us": user + system,
        "busy %": (user + system) * answers / seconds / 1e4,
        "lost %": 100 * lost / max(1, answers + lost),
    }
    return figures, undisturbed


def per_answer(server, world, load_of, saturated):
    """A load that nobody disturbed; if there is none, the one in which the server had the most of its core."""
    tries = []
    for _ in range(DISTURBED_MAX):
        figures, undisturbed = one_load(server, world, load_of)
        if undisturbed and (not saturated or figures["busy %"] >= BUSY_MIN):
            return figures
        tries.append(figures)
        print(f"bench: somebody else took a core, time {len(tries)}", file=sys.stderr)
    return max(tries, key=lambda figures: figures["busy %"])


def asked(kind, folder, world, load_of, saturated=True):
    """What a load costs a server on one core, the load on the other; `saturated` if it keeps the server busy all the time."""
    if kind == ECHO:
        server = Echo()
    else:
        server, _ = started(kind, folder, world)
        wait_until_idle(server)
        pin(server)
    try:
        load_of(server, world, 1)
        return per_answer(server, world, load_of, saturated)
    finally:
        server.kill()


def udp(kind, folder, world):
    return asked(kind, folder, world, saturating("plain"))


def udp_do(kind, folder, world):
    return asked(kind, folder, world, saturating("do"))


def udp_dnsperf(kind, folder, world):
    return asked(kind, folder, world, dnsperf("-c", "16", "-q", "200"))


def tcp(kind, folder, world):
    """Connections that are kept, pipelined."""
    return asked(kind, folder, world, saturating("tcp"))


def tcp_each(kind, folder, world):
    """A connection for each question."""
    return asked(kind, folder, world, connecting, saturated=False)


def fetch(server, world, count, *save):
    return traffic("fetch", f"{server.address}@{server.port}", world.zones[0][0], count, *save)


class Latency:
    """Asks at an even rate while the block runs, for LATENCY_SECONDS at the least if `whole`; then has the times."""

    def __init__(self, server, world, whole):
        seconds = LATENCY_SECONDS if whole else PATIENCE_SECONDS
        words = [f"{server.address}@{server.port}", world.questions(), LATENCY_RATE, seconds]
        self.whole = whole
        self.command = ["taskset", "-c", LOAD_CPU, BUILD / "traffic", "latency", *words]

    def __enter__(self):
        self.process = spawned(self.command, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        if not self.whole:
            self.process.terminate()
        self.figures = json.loads(self.process.communicate(timeout=PATIENCE_SECONDS)[0])


def axfr_out(kind, folder, world):
    """A plain reader on the other core; then 20 at once, and how long answers take idle and meanwhile."""
    server, _ = started(kind, folder, world)
    wait_until_idle(server)
    pin(server)
    with Latency(server, world, whole=True) as idle:
        pass
    before = sum(cpu_seconds(server.process.pid))
    one = fetch(server, world, 1)
    cpu = sum(cpu_seconds(server.process.pid)) - before
    with Latency(server, world, whole=False) as busy:
        together = fetch(server, world, TOGETHER)
    server.kill()
    return {
        "Mrec/s": one["records"] / one["seconds"] / 1e6,
        "MB/s": one["octets"] / one["seconds"] / 1e6,
        "cpu s": cpu,
        "20: Mrec/s": together["records"] / together["seconds"] / 1e6,
        "20: cut": together["cut"],
        "p50 idle": idle.figures["p50_us"],
        "p99 idle": idle.figures["p99_us"],
        "p50 busy": busy.figures["p50_us"],
        "p99 busy": busy.figures["p99_us"],
        "lost %": 100 - 100 * busy.figures["answered"] / max(1, busy.figures["sent"]),
    }


def saved_transfer(folder, world):
    """The file of a transfer that NSD once sent."""
    saved = world.folder / f"{world.name}.saved"
    if not saved.exists():
        source, _ = started("nsd", folder, world)
        fetch(source, world, 1, saved)
        source.kill()
    return saved


class Primary:
    """Has a place, and is followed by whoever is measured."""

    name = "sender"

    def __init__(self):
        self.address = servers.addresses.next()
        self.port = servers.free_port(self.address)

    def zone(self, name):
        return servers.Zone(name)


class Sender(Primary):
    """It costs nothing: a transfer that NSD once sent, from memory."""

    def __init__(self, folder, world):
        super().__init__()
        saved = saved_transfer(folder, world)
        command = ["taskset", "-c", LOAD_CPU, BUILD / "traffic", "send", f"{self.address}@{self.port}", saved]
        self.process = spawned(command, stdout=subprocess.PIPE)
        self.process.stdout.readline()  # "ready": whoever were refused at first would wait long before they ask again

    def kill(self):
        end(self.process)


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


# ---- Changes

CHANGE_SECONDS = 4  # of one kind of change
PEAK_EVERY_SECONDS = 0.002  # one change takes some milliseconds
BATCHES = 1  # each takes a peer up to a minute
KEEPS_ZONES = ["tandem"]  # from one start to the next; what peers know of a primary's zone they read anew
PROPAGATIONS = 200
PROPAGATION_SECONDS = 25


class Changes:
    """bench/changes.c: plays the primary, if it is to, and looks what is served."""

    def __init__(self, *words):
        command = ["taskset", "-c", LOAD_CPU, BUILD / "changes", *words]
        self.process = spawned(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def wait_until_ready(self):
        if self.process.stdout.readline() != "ready\n":
            sys.exit("bench: whoever is to follow changes does not come up")

    def say(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()

    def hear(self):
        """None: it gave up, and said why."""
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def ask(self, *words):
        """None also where it has given up before."""
        if self.process.poll() is not None:
            return None
        self.say(*words)
        return self.hear()

    def kill(self):
        end(self.process)


def place(server):
    return f"{server.address}@{server.port}"


def ixfr_in(kind, folder, world):
    """Memory at the most while one difference comes after the server had nothing to do, of one record and of a thousand;
    differences per second that a secondary has and serves, of as many, each announced when the one before is served, and of
    one record where a thousand of them come in one transfer; and memory at the most while they come without pause."""
    (folder / "source").mkdir()
    saved = saved_transfer(folder / "source", world)
    primary = Primary()
    follower = kinds()[kind](folder)
    follower.asks_for_differences = follower.keeps_differences = True
    follower.follow(world.zones[0][0], primary)
    changes = Changes("one", place(primary), place(follower), saved)
    follower.launch()
    enders.append(follower.kill)
    changes.wait_until_ready()

    def per_second(records, steps):
        """0: it was not followed; NSD may ask for the whole zone in the midst of a thousand steps."""
        told = changes.ask(records, steps, CHANGE_SECONDS)
        return told["differences"] / told["seconds"] if told else 0

    def peak_of_one(records):
        """Of a change and of the one that takes it back, the larger peak of the two."""
        wait_until_idle(follower)
        before = pss_bytes(follower.process.pid)
        with Sampler(follower.process.pid, PEAK_EVERY_SECONDS) as sampler:
            changes.ask(records, 1, 0)
            wait_until_idle(follower)
        return sampler.most / before

    peaks = {"1: peak": peak_of_one(1), "1000: peak": peak_of_one(1000)}
    wait_until_idle(follower)
    resting = pss_bytes(follower.process.pid)
    figures = {"1: /s": per_second(1, 1), "1000: /s": per_second(1000, 1)}
    with Sampler(follower.process.pid) as sampler:
        per_second(1, 1)
        per_second(1000, 1)
    figures |= {"1000 of 1: /s": per_second(1, 1000), **peaks, "stream peak": sampler.most / resting}
    changes.kill()
    follower.kill()
    return figures


def commits(kind, folder, world):
    """Zones per second where all change at once: at a secondary, from one primary, and at a primary, whose files were edited."""
    (folder / "in").mkdir()
    (folder / "files").mkdir()
    return {"in: zones/s": batches_in(kind, folder / "in", world), "files: zones/s": batch_of_files(kind, folder / "files", world)}


def batches_in(kind, folder, world):
    primary = Primary()
    follower = kinds()[kind](folder)
    follower.asks_for_differences = follower.keeps_differences = True
    follower.zones = [servers.Zone(name, primaries=[primary]) for name, _, _ in world.zones]
    changes = Changes("many", place(primary), place(follower), world.count)
    follower.launch()
    enders.append(follower.kill)
    changes.wait_until_ready()
    seconds = []
    for _ in range(BATCHES):
        wait_until_idle(follower)
        told = changes.ask("change")
        seconds.append(told["seconds"] if told else PATIENCE_SECONDS)
    changes.kill()
    follower.kill()
    return world.count / statistics.median(seconds)


def batch_of_files(kind, folder, world):
    server = kinds()[kind](folder)
    server.keeps_differences = True
    server.zones = [servers.Zone(name, file=folder / file.name) for name, file, _ in world.zones]
    for _, file, _ in world.zones:
        shutil.copy(file, folder / file.name)
    enders.append(server.kill)
    seconds_to_answers(server, world)
    changes = Changes("wait", place(server), world.count)
    changes.wait_until_ready()
    wait_until_idle(server)
    for _, file, _ in world.zones:
        own = folder / file.name
        own.write_text(file.read_text().replace(" hostmaster 1 ", " hostmaster 2 ") + 'changed TXT "changed"\n')
        os.utime(own, (time.time() + 5, time.time() + 5))  # BIND looks at whole seconds
    changes.say(2)
    server.reload_all()
    seconds = changes.hear()["seconds"]
    changes.kill()
    server.kill()
    return world.count / seconds


def restart(kind, folder, world):
    """Start to the first answer, and to answers from all zones, of zones that have not changed since the server was stopped in
    good order."""
    server = kinds()[kind](folder)
    server.zones = [servers.Zone(name, file=file) for name, file, _ in world.zones]
    enders.append(server.kill)
    first, whole = seconds_to_first_and_all(server, world)
    unknown = whole
    if kind in KEEPS_ZONES:
        wait_until_idle(server)
        server.stop()
        first, whole = seconds_to_first_and_all(server, world)
    figures = {"s": first, "all s": whole, "first start s": unknown, "MiB": pss_bytes(server.process.pid) / 2**20}
    server.kill()
    return figures


def propagation(kind, folder, world):
    """From where a primary first serves a change to where its secondary of the same kind does, all settings as they are."""
    name, file, serial = world.zones[0]
    first, second = (kinds()[kind](folder, part) for part in ("first", "second"))
    text = file.read_text(encoding="ascii")
    first.own_pace = second.own_pace = second.asks_for_differences = True
    first.keeps_differences = second.keeps_differences = True
    first.serve(name, file)
    second.follow(name, first)
    for server in (first, second):
        server.launch()
        enders.append(server.kill)
        server.wait_for_serial(name, serial, PATIENCE_SECONDS)
    watch = Changes("watch", place(first), place(second), name)
    watch.wait_until_ready()
    times = []
    end = time.monotonic() + PROPAGATION_SECONDS
    while time.monotonic() < end and len(times) < PROPAGATIONS:
        serial += 1
        changed = folder / "changed.zone"
        changed.write_text(text.replace(f" {serial - 1 - len(times)} ", f" {serial} ", 1) + f'changed. 60 IN TXT "{serial}"\n')
        first.put(name, changed)
        os.utime(first.zone(name).file, (time.time() + len(times), time.time() + len(times)))
        watch.say(serial)
        first.reload(name)
        times.append(watch.hear()["ms"])
    watch.kill()
    first.kill()
    second.kill()
    times.sort()
    return {"median ms": statistics.median(times), "p99 ms": times[len(times) * 99 // 100], "changes": len(times)}
