#!/usr/bin/env python3
"""What a fleet costs its hub: disk, memory and CPU, by days of a made fleet; for the sizing table in docs/running.md.

    bench/hub_size.py [HOSTS [GUESTS [DAYS]]]        200 hosts, 50 guests each, 3 days

A day is what agents with the usual settings send when little happens: an inventory of each guest (sources.kvp.refresh is
a day; the text is that of a Windows guest with 25 KVP items), two events of each guest, an inventory of each host; gzip,
real TLS, 16 connections.  With HVFLEET_BENCH_POSTGRES=1 the hub stores in Debian's PostgreSQL, else in SQLite.
"""

import gzip
import http.client
import os
import pathlib
import queue
import ssl
import struct
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests/ha"), str(HERE.parent / "tests/system")]
from fleet import BUILD, Fleet, Program, wait_for  # noqa: E402
from load import Agent, attribute, block, varint  # noqa: E402
from postgres import Postgres  # noqa: E402

HOSTS, GUESTS, DAYS = (int(a) for a in (sys.argv[1:] + ["200", "50", "3"][len(sys.argv) - 1:]))
DAY_NS = 86400 * 10**9
SENDERS = 16
KVP = {"OSName": "Windows Server 2012 R2 Standard", "OSVersion": "6.3.9600", "OSPlatformId": "2", "OSBuildNumber": "9600",
       "ProcessorArchitecture": "9", "ServicePackMajor": "0", "SuiteMask": "272", "ProductType": "3", "CSDVersion": "",
       "IntegrationServicesVersion": "6.3.9600.16384", "NetworkAddressIPv4": "10.20.30.40", "OSMajorVersion": "6",
       "NetworkAddressIPv6": "fe80::1c2d:3e4f:5a6b:7c8d", "RDPAddressIPv4": "10.20.30.40", "RDPAddressIPv6": "fe80::1"}
KVP.update({f"Item{n:02d}": "a value of the usual length" for n in range(10)})


class Host(Agent):
    def record_of(self, seq, kind, when, facts):
        at = struct.pack("<Q", when)
        return block(2, b"".join((varint(1 << 3 | 1), at, varint(11 << 3 | 1), at, varint(2 << 3), varint(9),
                                  block(5, block(1, b"made for a measurement of a fleet's size")),
                                  *(block(6, attribute(k, v)) for k, v in facts.items()),
                                  block(6, attribute("hvfleet.seq", seq)), block(12, kind.encode()))))

    def day(self, seq, when):
        """The records of a day from this number on, as a request."""
        records = [("hyperv.host.inventory", {"os.version": "6.3.9600.20778", "hyperv.host.is_version.win6x": "6.3.9600.18692"})]
        for g in range(GUESTS):
            vm = {"hyperv.vm.id": f"C0000000-0000-4000-8000-{self.number * 1000 + g:012d}", "hyperv.vm.name": f"guest-{self.number}-{g}"}
            records.append(("hyperv.guest.inventory", {**vm, "hyperv.vm.power": "running", "hyperv.vm.enabled_state": 2,
                                                       **{f"hyperv.kvp.{k}": v for k, v in KVP.items()}}))
            for n, change in enumerate(("stopped", "started")):
                records.append(("hyperv.guest.lifecycle", {
                    **vm, "hyperv.vm.change": change, "winlog.channel": "Microsoft-Windows-Hyper-V-Worker-Admin",
                    "winlog.provider_name": "Microsoft-Windows-Hyper-V-Worker", "winlog.event_id": 18500 + 2 * n,
                    "winlog.record_id": seq + n}))
        body = b"".join(self.record_of(seq + i, kind, when + i * 10**9, facts) for i, (kind, facts) in enumerate(records))
        return block(1, self.resource + block(2, body)), len(records)


def send_all(port, context, token, jobs, totals):
    line = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=120)
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip", "Authorization": f"Bearer {token}"}
    while True:
        try:
            body = jobs.get_nowait()
        except queue.Empty:
            break
        line.request("POST", "/v1/logs", body, headers)
        answer = line.getresponse()
        answer.read()
        if answer.status != 200:
            totals["refused"] += 1
            jobs.put(body)
            time.sleep(0.5)
    line.close()


def used(pid):
    ticks = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    peak = [line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK"), int(peak[0].split()[1]) // 1024


def measure(fleet, port, pid, stored):
    hosts, totals = [Host(n, 0) for n in range(1, HOSTS + 1)], {"refused": 0}
    context = ssl.create_default_context(cafile=str(fleet.folder / "ca.pem"))
    token, seq, before = (fleet.folder / "token").read_text().strip(), 1, stored()
    print(f"{HOSTS} hosts x {GUESTS} guests\n{'day':>4} {'records':>9} {'on the wire':>12} {'stored':>12} {'a record':>9}"
          f" {'CPU':>8} {'took':>7} {'memory':>8}")
    for day in range(DAYS):
        jobs, count, wire = queue.Queue(), 0, 0
        for host in hosts:
            body, records = host.day(seq, time.time_ns() - (DAYS - day) * DAY_NS)
            packed = gzip.compress(body, 1)
            count, wire = count + records, wire + len(packed)
            jobs.put(packed)
        seq += records
        cpu, start = used(pid)[0], time.monotonic()
        senders = [threading.Thread(target=send_all, args=(port, context, token, jobs, totals)) for _ in range(SENDERS)]
        for t in senders:
            t.start()
        for t in senders:
            t.join()
        took, now = time.monotonic() - start, stored()
        after, mib = used(pid)
        print(f"{day + 1:4} {count:9} {wire / 1e6:9.1f} MB {(now - before) / 1e6:9.1f} MB {(now - before) / count:7.0f} B"
              f" {after - cpu:6.2f} s {took:5.1f} s {mib:4} MiB", flush=True)
        before = now
    if totals["refused"]:
        print(f"{totals['refused']} requests were refused and sent again")


def main():
    with Fleet() as fleet:
        if os.environ.get("HVFLEET_BENCH_POSTGRES"):
            with Postgres(fsync=True) as server:
                fleet.certificates()
                fleet.hub_config()
                config, out = fleet.folder / "hub.yaml", fleet.folder / "hub.out"
                config.write_text(config.read_text().replace(f"{fleet.folder}/hub/fleet.db", server.url))
                hub = Program(fleet.folder, "hub")
                hub.start(BUILD / "hvhub", "serve", "--config", config, stdout=out)
                port = wait_for("the hub listens", lambda: out.read_text().strip().rpartition(":")[2], 20)
                try:
                    measure(fleet, int(port), hub.process.pid,
                            lambda: int(server.ask("SELECT pg_database_size('postgres')")[0][0]))
                finally:
                    hub.kill()
        else:
            fleet.start_hub()
            store = fleet.folder / "hub" / "fleet.db"
            measure(fleet, fleet.port, fleet.hub.process.pid,
                    lambda: sum(p.stat().st_size for p in (store, store.with_name("fleet.db-wal"))))


main()
