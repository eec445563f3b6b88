#!/usr/bin/env python3
"""The programs as a whole, over real TLS on loopback: prints lines of "system.what key=value ...".

    bench/system_bench.py [PART...]      limits idle wire end_to_end backlog ingest ingest_postgres reconnect

Sizes are those that two cores can do in minutes; docs/performance.md says what they stand for.  HVFLEET_BENCH_SCALE=10
makes the loads ten times as large.
"""

import gzip
import http.client
import os
import pathlib
import queue
import socket
import ssl
import sys
import tempfile
import threading
import time
import xml.parsers.expat

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests/ha"), str(HERE.parent / "tests/system")]
from fleet import BUILD, Fleet, Program, wait_for  # noqa: E402
from load import Agent, Load  # noqa: E402
import postgres  # noqa: E402

SCALE = float(os.environ.get("HVFLEET_BENCH_SCALE", "1"))
IDLE_S = 30
XML = 64 * 1024


def tell(what, **values):
    print(f"system.{what}", *(f"{k}={v:.6g}" for k, v in values.items()), flush=True)


# ---- a process, from outside

def cpu_s(pid):
    ticks = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid, key="VmRSS"):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def share_mb(pid):
    """What it would give back: its own pages, and its part of those that others use too."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def wakeups(pid):
    """How often its threads have gone to sleep of their own will."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


# ---- the load

SYSTEM = ("<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{provider}'/>"
          "<EventID>{id}</EventID><Version>0</Version><Level>{level}</Level><Task>0</Task><Opcode>0</Opcode>"
          "<Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime='2026-01-31T{h:02d}:{m:02d}:{s:02d}.1234567Z'/>"
          "<EventRecordID>{n}</EventRecordID><Correlation/><Execution ProcessID='2412' ThreadID='6180'/>"
          "<Channel>{channel}</Channel><Computer>HV01.corp.example.net</Computer><Security UserID='S-1-5-18'/></System>")
VM = ("<UserData><VmlEventLog xmlns='http://www.microsoft.com/Windows/Virtualization/Events'><Parameter0>VM{vm:02d}"
      "</Parameter0><Parameter1>{vm:08X}-2C7E-4A62-9B3A-7D5B8C2A1F60</Parameter1>{rest}</VmlEventLog></UserData></Event>\n")
HYPERV = "Microsoft-Windows-Hyper-V-"


def event(n):
    """The mix of bench_events, without the tenth that is nobody's business: each event is an observation."""
    vm, when = n // 10 % 40, {"h": n // 3600 % 24, "m": n // 60 % 60, "s": n % 60, "n": 1000 + n}
    if n % 10 < 5:
        return SYSTEM.format(provider="disk", id=153, level=3, channel="System", **when) + (
            f"<EventData><Data>\\Device\\Harddisk{vm}\\DR{vm}</Data><Data>0x{4288050 + n:x}</Data><Data>0</Data>"
            "<Data>\\Device\\00000024</Data><Binary>0F01040004002C00000000009900048000</Binary></EventData></Event>\n")
    if n % 10 < 8:
        return SYSTEM.format(provider=HYPERV + "Integration", id=4010, level=3, channel=HYPERV + "Integration-Admin", **when) + (
            VM.format(vm=vm, rest="<Parameter2>Negotiated (3.0) - Expected (3.0)</Parameter2>"
                                  "<Parameter3>Negotiated (4.0) - Expected (5.0)</Parameter3>"))
    return SYSTEM.format(provider=HYPERV + "VMMS", id=20415, level=4, channel=HYPERV + "VMMS-Admin", **when) + (
        VM.format(vm=vm, rest="<Parameter2>0.5</Parameter2>"))


def events(first, count):
    return "".join(event(n) for n in range(first, first + count))


def bundle(fleet, name="bundle"):
    folder = fleet.folder / name
    (folder / "events").mkdir(parents=True)
    (folder / "host.yaml").write_text("name: HV01\ncluster: PROD-A\nos_version: 6.3.9600.20778\n"
                                      "is_version: {win6x: 6.3.9600.18692, win5x: 6.3.9600.18339}\n")
    return folder


def append(folder, text):
    with open(folder / "events" / "all.xml", "a", encoding="utf-8") as f:
        f.write(text)


def agent(fleet, name, folder, url=None, poll="200ms"):
    """Starts an agent with the usual settings but for where things are."""
    f = fleet.folder
    if name not in fleet.agents:
        (f / name).mkdir(mode=0o700)
        (f / f"{name}.yaml").write_text(
            f'hub: {{url: "{url or fleet.url}", token_file: "{f}/token", ca_file: "{f}/ca.pem", batch: {{max_age: 100ms}},'
            f' retry: {{min: 50ms, max: 1s}}}}\nstore: {{dir: "{f}/{name}", max_size: 64GiB}}\n'
            f'sources: {{bundles: ["{folder}"], poll: {poll}}}\nstatus: {{socket: "{f}/{name}/status.sock"}}\n')
        fleet.agents[name] = Program(f, name)
    fleet.agents[name].start(BUILD / "hvagent", "run", "--config", f / f"{name}.yaml")
    return fleet.agents[name]


def rows(fleet, name):
    s = fleet.status(name)
    return s["store"]["rows"] if s else -1


def caught_up(fleet, name):
    s = fleet.status(name)
    return s is not None and s["sources"] and all(source["caught_up"] for source in s["sources"])


class Relay:
    """Between agent and hub: counts what the agent sends, and lets through so many bytes a second (0: all)."""

    def __init__(self, port, rate=0):
        self.hub, self.rate, self.sent = port, rate, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            here, _ = self.listener.accept()
            there = socket.create_connection(("127.0.0.1", self.hub))
            threading.Thread(target=self.carry, args=(here, there, True), daemon=True).start()
            threading.Thread(target=self.carry, args=(there, here, False), daemon=True).start()

    def carry(self, source, sink, counted):
        try:
            while data := source.recv(16384):
                if counted:
                    self.sent += len(data)
                    if self.rate:
                        time.sleep(len(data) / self.rate)
                sink.sendall(data)
        except OSError:
            pass
        sink.close()


# ---- the parts

def limits():
    """What nobody can be faster than: the disk's sync, memory, and expat when nobody listens to it."""
    with tempfile.NamedTemporaryFile() as f:
        began = time.monotonic()
        for _ in range(100):
            f.write(b"x" * 4096)
            f.flush()
            os.fsync(f.fileno())
        print(f"limit.fsync ms={(time.monotonic() - began) * 10:.4g}")
    block, began = bytearray(19 << 20), time.process_time()
    for _ in range(20):
        bytes(block)
    print(f"limit.memory ms_for_19_mb={(time.process_time() - began) * 50:.4g}")
    texts = [event(n).encode() for n in range(20000)]
    began = time.process_time()
    for text in texts:
        xml.parsers.expat.ParserCreate("UTF-8").Parse(text, True)
    print(f"limit.expat events_per_cpu_second={len(texts) / (time.process_time() - began):.6g}", flush=True)



def idle():
    with Fleet() as fleet:
        fleet.start_hub()
        folder = bundle(fleet)
        append(folder, events(0, 50))
        began = time.monotonic()
        program = agent(fleet, "idle", folder, poll="2s")
        wait_for("attached", lambda: caught_up(fleet, "idle"), 20, 0.005)
        attached = time.monotonic() - began
        wait_for("drained", lambda: fleet.drained("idle"), 20)
        time.sleep(3)
        pid = program.process.pid
        cpu, woken = cpu_s(pid), wakeups(pid)
        time.sleep(IDLE_S)
        cpu, woken = cpu_s(pid) - cpu, wakeups(pid) - woken
        began, rss, own, share = time.monotonic(), memory_mb(pid), memory_mb(pid, "RssAnon"), share_mb(pid)
        program.stop()
        tell("idle", rss_mb=rss, private_mb=own, share_mb=share, wakeups_a_second=woken / IDLE_S, cpu_ms=cpu * 1e3, attached_ms=attached * 1e3,
             stop_ms=(time.monotonic() - began) * 1e3)


def wire():
    with Fleet() as fleet:
        fleet.start_hub()
        relay, folder = Relay(fleet.port), bundle(fleet)
        append(folder, events(0, 10))
        agent(fleet, "wire", folder, relay.url)
        wait_for("drained", lambda: fleet.drained("wire"), 20)
        for pieces in (1, 10, 100):
            text, n = "", 10 * pieces * 1000
            while len(text) < pieces * XML:
                text += event(n)
                n += 1
            before = relay.sent
            append(folder, text)
            wait_for("more is sent", lambda before=before: relay.sent > before, 20)
            time.sleep(0.5)
            wait_for("drained", lambda: fleet.drained("wire"), 60)
            tell(f"wire_{pieces}", bytes_for_64_kib=(relay.sent - before) * XML / len(text), xml_bytes=len(text))


def end_to_end():
    for count in (int(n * SCALE) for n in (1000, 10000, 100000)):
        with Fleet() as fleet:
            fleet.start_hub()
            folder = bundle(fleet)
            append(folder, events(0, count))
            began = time.monotonic()
            program = agent(fleet, "agent", folder)
            wait_for("all sent", lambda: fleet.drained("agent"), 300, 0.02)
            took = time.monotonic() - began
            with fleet.database() as db:
                stored, once = db.execute("SELECT count(*), count(DISTINCT stream || ' ' || seq) FROM observation").fetchone()
            assert stored == once and stored >= count, (stored, once, count)
            tell(f"end_to_end_{count}", observations_per_second=stored / took, wall_s=took,
                 agent_per_cpu_second=stored / cpu_s(program.process.pid),
                 hub_per_cpu_second=stored / max(cpu_s(fleet.hub.process.pid), 0.01),
                 hub_mb=memory_mb(fleet.hub.process.pid, "VmHWM"))


def backlog():
    for count in (int(n * SCALE) for n in (3000, 30000, 300000)):
        with Fleet() as fleet:
            fleet.start_hub()
            relay, folder = Relay(fleet.port, rate=20000), bundle(fleet)
            append(folder, events(0, count))
            program = agent(fleet, "agent", folder, relay.url)
            wait_for("all read", lambda: caught_up(fleet, "agent"), 300, 0.2)
            time.sleep(5)
            peak = memory_mb(program.process.pid, "VmHWM")
            program.kill()
            append(folder, event(count + 1))
            began = time.monotonic()
            program = agent(fleet, "agent", folder, relay.url)
            wait_for("stored", lambda: has_stored(fleet, "agent"), 60, 0.005)
            tell(f"backlog_{count}", rss_mb=max(peak, memory_mb(program.process.pid, "VmHWM")),
                 first_stored_ms=(time.monotonic() - began) * 1e3, waiting=rows(fleet, "agent"))


def has_stored(fleet, name):
    """Something has been committed since the agent's start: its sources count from then on."""
    s = fleet.status(name)
    return s is not None and any(source["observations"] for source in s["sources"])


def post_all(fleet, port, jobs):
    context = ssl.create_default_context(cafile=str(fleet.folder / "ca.pem"))
    line = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=120)
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip",
               "Authorization": "Bearer " + (fleet.folder / "token").read_text().strip()}
    while True:
        try:
            body = jobs.get_nowait()
        except queue.Empty:
            break
        line.request("POST", "/v1/logs", body, headers)
        answer = line.getresponse()
        answer.read()
        if answer.status != 200:
            jobs.put(body)
            time.sleep(0.05)
    line.close()


def ingest_into(name, servers):
    """200 hosts with requests of 1,000 records, made before the clock runs; the records of one host in order."""
    sizes = [int(n * SCALE) for n in (2000, 20000, 200000)]
    with Fleet() as fleet:
        if servers:
            fleet.store = servers.url
        fleet.start_hub()
        pid, number = fleet.hub.process.pid, 0
        for count in sizes:
            jobs = queue.Queue()
            for _ in range(count // 1000):
                number += 1
                jobs.put(gzip.compress(Agent(number, 1000).body(1, 1000), 1))
            cpu, server, began = cpu_s(pid), server_cpu(servers), time.monotonic()
            threads = [threading.Thread(target=post_all, args=(fleet, fleet.port, jobs)) for _ in range(4)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            took = time.monotonic() - began
            tell(f"{name}_{count}", per_second=count / took, per_cpu_second=count / max(cpu_s(pid) - cpu, 0.01),
                 server_per_cpu_second=count / max(server_cpu(servers) - server, 0.01), hub_mb=memory_mb(pid, "VmHWM"))


def server_cpu(server):
    """CPU of PostgreSQL's processes; what has ended is in its parent's count."""
    if server is None:
        return 0.0
    total = 0.0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rsplit(")", 1)[1].split()
            pid = int(stat.parent.name)
        except (OSError, IndexError):
            continue
        if pid == server.process.pid:
            total += sum(map(int, words[11:15]))
        elif int(words[1]) == server.process.pid:
            total += int(words[11]) + int(words[12])
    return total / os.sysconf("SC_CLK_TCK")


def ingest():
    ingest_into("ingest", None)


def ingest_postgres():
    reason = postgres.missing()
    if reason:
        print(f"left out: ingest_postgres: {reason}", file=sys.stderr)
        return
    with postgres.Postgres(fsync=True) as server:
        ingest_into("ingest_postgres", server)


def reconnect():
    for agents in (int(n * SCALE) for n in (10, 100, 1000)):
        with Fleet() as fleet:
            fleet.max_connections = 4000
            fleet.start_hub()
            load = Load(fleet.port, fleet.folder / "ca.pem", (fleet.folder / "token").read_text().strip(), agents, 60,
                        batch=60, seconds=0.1)
            load.release()
            load.start()
            load.join(300)
            pid = fleet.hub.process.pid
            tell(f"reconnect_{agents}", refused=load.counts["refused"], failed=load.counts["failed"], broken=load.counts["broken"], wall_s=load.took,
                 slowest_s=load.slowest, hub_mb=memory_mb(pid, "VmHWM"), hub_cpu_s=cpu_s(pid))


PARTS = {part.__name__: part for part in (limits, idle, wire, end_to_end, backlog, ingest, ingest_postgres, reconnect)}


def main():
    for name in sys.argv[1:] or PARTS:
        try:
            PARTS[name]()
        except AssertionError as problem:
            print(f"left out: {name}: {problem}", file=sys.stderr)


if __name__ == "__main__":
    main()
