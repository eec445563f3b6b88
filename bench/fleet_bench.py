#!/usr/bin/env python3
"""The hub's reports and pages over made fleets, in SQLite and in PostgreSQL.

    bench/fleet_bench.py BUILD [RUNS]

Makes 1,000 hosts of 50 guests with a year of history through the store (bench_fleet make), moves a copy into a
PostgreSQL server of its own (hvhub migrate), and measures over each: the drift report in every format and the pages
through the store (bench_fleet report), the same over HTTP from a running hub, and `hvhub report` as a
process of its own.  FLEET_BENCH_LARGE=1 adds 100,000 hosts of 20 guests, in SQLite: how long it
takes to load, and the fleet's page.  FLEET_BENCH_SMALL=1 takes a tenth of the hosts and of the history: to try the bench itself.

Prints lines of "fleet.what key=value ...", with sqlite or postgresql before what, as bench/run reads them.
"""
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests" / "system"))
from postgres import Postgres, missing  # noqa: E402

FORMATS = ("text", "json", "csv", "html", "ansible", "sccm")
PAGES = {"fleet": "/", "guests": "/guests", "cluster": "/cluster/CLUSTER-00003", "host": "/host/HOST-000024",
         "guest": "/guest/B0000000-0000-4000-8000-000000000007"}
WARM = 2


def say(line):
    print(line, flush=True)


def p(values, share):
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]  # the nearest rank


def figures(values, size):
    return (f"runs={len(values)} p50_ms={statistics.median(values):.1f} p99_ms={p(values, 0.99):.1f} "
            f"bytes={size}")


def run_bench(program, kind, *words):
    done = subprocess.run([program, *map(str, words)], check=True, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        say(line.replace("fleet.", f"fleet.{kind}.", 1))


class Hub:
    def __init__(self, build, folder, store):
        self.config = folder / "hub.yaml"
        self.config.write_text(f'listen: 127.0.0.1:0\nstore:\n  path: "{store}"\nreport:\n  host_silent_after: 1d\n'
                               'web:\n  open_on_loopback: true\nlog:\n  level: info\n')
        self.log = open(folder / "hub.log", "wb")
        self.process = subprocess.Popen([build / "hvhub", "serve", "--config", self.config], stderr=self.log)
        self.url = self.find_url(folder / "hub.log")

    def find_url(self, log):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for word in log.read_text(errors="replace").split():
                if word.startswith("address=http"):
                    return word[len("address="):]
            assert self.process.poll() is None, log.read_text(errors="replace")
            time.sleep(0.05)
        sys.exit("the hub did not start")

    def get(self, path):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.url + path, timeout=120) as answer:
            return len(answer.read())

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()

    def peak_mb(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) // 1024
        return 0


def timed(call, runs):
    took, size = [], 0
    for _ in range(runs):
        start = time.monotonic()
        size = call()
        took.append((time.monotonic() - start) * 1000)
    return took, size


def measure_http(build, folder, kind, store, runs):
    hub = Hub(build, folder, store)
    try:
        first, size = timed(lambda: hub.get("/api/v1/reports/drift?format=json"), 1)
        say(f"fleet.{kind}.http_first.json {figures(first, size)}")
        paths = {f"http.{f}": f"/api/v1/reports/drift?format={f}" for f in FORMATS}
        paths |= {f"http_page.{name}": path for name, path in PAGES.items()}
        for name, path in paths.items():
            timed(lambda: hub.get(path), WARM)
            took, size = timed(lambda: hub.get(path), runs)
            say(f"fleet.{kind}.{name} {figures(took, size)}")
        say(f"fleet.{kind}.hub peak_mb={hub.peak_mb()}")
    finally:
        hub.stop()
    return hub.config


def measure_command(build, kind, config, runs):
    for f in FORMATS:
        command = [build / "hvhub", "report", "drift", "--format", f, "--config", config]
        took, size = timed(lambda: len(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout), runs)
        say(f"fleet.{kind}.command.{f} {figures(took, size)}")


def measure(build, folder, kind, store, hosts, guests, runs):
    run_bench(build / "bench/bench_fleet", kind, "report", store, hosts, guests, runs)
    config = measure_http(build, folder, kind, store, runs)
    measure_command(build, kind, config, 5)


def measure_postgres(build, folder, file, hosts, guests, runs):
    why = missing()
    if why is not None:
        say(f"# PostgreSQL is left out: {why}")
        return
    with Postgres(fsync=True) as server:
        start = time.monotonic()
        subprocess.run([build / "hvhub", "migrate", "--from", f"sqlite:{file}", "--to", server.url], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        server.ask("ANALYZE")
        say(f"fleet.postgresql.migrate wall_s={time.monotonic() - start:.1f}")
        measure(build, folder, "postgresql", server.url, hosts, guests, runs)


def measure_large(build, folder, runs):
    file = folder / "large.db"
    run_bench(build / "bench/bench_fleet", "large", "make", file, 100000, 20, 0)
    run_bench(build / "bench/bench_fleet", "large", "pages", file, runs)
    hub = Hub(build, folder, file)
    try:
        took, size = timed(lambda: hub.get("/"), runs)
        say(f"fleet.large.http_page.fleet {figures(took, size)}")
    finally:
        hub.stop()


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    small = bool(os.environ.get("FLEET_BENCH_SMALL"))
    hosts, guests, days = (100, 50, 36) if small else (1000, 50, 365)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hvfleet-bench."))
    file = folder / "fleet.db"
    try:
        run_bench(build / "bench/bench_fleet", "sqlite", "make", file, hosts, guests, days)
        shutil.copy(file, folder / "moved.db")
        measure(build, folder, "sqlite", file, hosts, guests, runs)
        measure_postgres(build, folder, folder / "moved.db", hosts, guests, runs)
        if os.environ.get("FLEET_BENCH_LARGE"):
            measure_large(build, folder, min(runs, 20))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
