#!/usr/bin/env python3
"""Writes the example bundles: a three-node 2012 R2 cluster and a two-node 2022
cluster, as captures of invented hosts (docs/bundle.md describes the format).

    examples/make_bundles.py [DIR]      default: examples/bundles beside this script

Deterministic: the same files, byte for byte, on every run; a test compares them
with the ones in the tree.

What is in it, and the drift state each guest must end in, is the table GUESTS below and
the events that follow it.
"""
import os
import sys

sys.dont_write_bytecode = True  # nothing is left beside the bundles
from capture import (WS2003, WS2008, WS2008R2, WS2012, WS2012R2, WS2016, WS2019, WS2022, Guest, VERSIONS_NONE,
                     VERSIONS_OLD, crash, integration, retried_io, slow_io, vmms, worker, write_events, write_host,
                     write_kvp)

DAY1, DAY2 = "20260130T080000Z", "20260131T080000Z"
BOOT_A, BOOT_B = "2026-01-04T03:12:00Z", "2026-01-11T02:40:00Z"

# name: (cluster, os_version, win6x, win5x, boot, first record id)
HOSTS = {
    "HV01": ("PROD-A", "6.3.9600.20778", "6.3.9600.18692", "6.3.9600.18339", BOOT_A, 41210),
    "HV02": ("PROD-A", "6.3.9600.20778", "6.3.9600.18692", "6.3.9600.18339", BOOT_A, 38877),
    "HV03": ("PROD-A", "6.3.9600.20778", "6.3.9600.18907", "6.3.9600.18339", BOOT_A, 29004),
    "HV21": ("PROD-B", "10.0.20348.2227", None, None, BOOT_B, 90412),
    "HV22": ("PROD-B", "10.0.20348.2227", None, None, BOOT_B, 77031),
}

GUESTS = [
    Guest("FILE01", "HV01", WS2012R2, "6.3.9600", "6.3.9600.18692", expect="current"),
    Guest("SQL01", "HV01", WS2012, "6.2.9200", "6.3.9600.17415", expect="behind"),
    Guest("APP01", "HV01", WS2008R2, "6.1.7601", "6.3.9600.16384", kvp_status=(3, 32775), expect="behind-protocol"),
    Guest("WEB01", "HV01", "Ubuntu", "5.15.0", "3.1", kind="linux", kvp_status=(3, 32775), expect="not-applicable"),
    Guest("MAIL01", "HV01", WS2012R2, "6.3.9600", "6.3.9600.18692", days=(True, False), expect="current"),
    Guest("MAIL01", "HV02", WS2012R2, "6.3.9600", "6.3.9600.18692", days=(False, True), expect="current"),
    Guest("PAY01", "HV02", WS2003, "5.2.3790", "6.3.9600.18339", expect="current"),
    Guest("OLD01", "HV02", WS2008, "6.0.6002", "6.1.7601.17514", status=(7, 32775), expect="incompatible"),
    Guest("VAULT01", "HV02", power=(2, 2), kvp_enabled=3, kvp_status=(2, 2), expect="unknown"),
    Guest("EDGE01", "HV02", status=(12, 12), expect="unknown"),
    Guest("FW01", "HV02", "FreeBSD", "13.2-RELEASE", "10.0.1", kind="bsd", expect="not-applicable"),
    Guest("PRINT01", "HV03", WS2012R2, "6.3.9600", "6.3.9600.18692", expect="behind"),
    Guest("NEW01", "HV03", WS2016, "10.0.14393", "10.0.14393.2097", expect="newer-than-host"),
    Guest("TEST01", "HV03", WS2012R2, "6.3.9600", "6.3.9600.18907", power=(2, 3), expect="current"),
    Guest("COLD01", "HV03", power=(3, 3), expect="unknown"),
    Guest("WEB21", "HV21", WS2022, "10.0.20348", "10.0.20348.2227", expect="current"),
    Guest("WEB22", "HV21", WS2022, "10.0.20348", "10.0.20348.2227", expect="current"),
    Guest("LEG21", "HV21", WS2012R2, "6.3.9600", "6.3.9600.18907", expect="current"),
    Guest("LEG22", "HV21", WS2008R2, "6.1.7601", "6.3.9600.18398", expect="behind"),
    Guest("K8S21", "HV21", "Rocky Linux", "5.14.0", "3.1", kind="linux", expect="not-applicable"),
    Guest("WEB23", "HV22", WS2022, "10.0.20348", "10.0.20348.1547", expect="inbox-behind-peers"),
    Guest("ERP21", "HV22", WS2019, "10.0.17763", "10.0.17763.5329", expect="current"),
    Guest("LEG23", "HV22", WS2012, "6.2.9200", "6.3.9600.18080", status=(2, 32775), expect="behind-protocol"),
    Guest("ARC21", "HV22", WS2008, "6.0.6002", "6.3.9600.18339", expect="behind"),
    Guest("DB21", "HV22", "Debian GNU/Linux", "6.1.0", "3.1", kind="linux", expect="not-applicable"),
]

EVENTS = {
    "HV01": [
        worker("2026-01-29T21:04:11.1180023Z", 18500, 4, "FILE01"),
        integration("2026-01-29T21:04:52.4410300Z", "", 4020, 4, "FILE01"),
        integration("2026-01-29T21:04:52.6230117Z", "-KvpExchange", 4020, 4, "FILE01"),
        worker("2026-01-29T21:10:40.0040001Z", 18500, 4, "SQL01"),
        worker("2026-01-29T21:12:03.7710420Z", 18500, 4, "APP01"),
        integration("2026-01-29T21:12:39.2210300Z", "-KvpExchange", 4010, 3, "APP01", *VERSIONS_OLD),
        integration("2026-01-29T21:12:39.2540911Z", "-Shutdown", 4010, 3, "APP01", *VERSIONS_OLD),
        worker("2026-01-29T21:15:00.3300450Z", 18500, 4, "WEB01"),
        integration("2026-01-29T21:15:21.0820400Z", "-KvpExchange", 4010, 3, "WEB01", *VERSIONS_OLD),
        worker("2026-01-29T21:20:10.0930007Z", 18500, 4, "MAIL01"),
        integration("2026-01-29T21:20:44.3010050Z", "", 4020, 4, "MAIL01"),
        vmms("2026-01-30T22:31:02.5540012Z", 20413, "MAIL01", "HV02"),
        vmms("2026-01-30T22:31:19.8790300Z", 20415, "MAIL01", "0.4"),
        crash("2026-01-31T02:17:33.4490120Z", "APP01", "0xd1", "0x28", "0x2", "0x0", "0xfffff88001a3f2b8"),
        worker("2026-01-31T02:17:36.0020333Z", 18514, 4, "APP01"),
        integration("2026-01-31T02:18:09.7140202Z", "-KvpExchange", 4010, 3, "APP01", *VERSIONS_OLD),
        retried_io("2026-01-31T02:16:58.1170000Z"),
        retried_io("2026-01-31T02:17:12.9080000Z"),
    ],
    "HV02": [
        worker("2026-01-29T22:01:07.4310000Z", 18500, 4, "PAY01"),
        integration("2026-01-29T22:01:55.9090330Z", "", 4020, 4, "PAY01"),
        worker("2026-01-29T22:05:30.8440100Z", 18500, 4, "OLD01"),
        integration("2026-01-29T22:06:41.1930000Z", "", 4000, 2, "OLD01", *VERSIONS_NONE),
        integration("2026-01-29T22:06:41.2010450Z", "-Shutdown", 4000, 2, "OLD01", *VERSIONS_NONE),
        worker("2026-01-29T22:09:16.3300700Z", 18500, 4, "VAULT01"),
        worker("2026-01-29T22:11:02.2090110Z", 18500, 4, "EDGE01"),
        integration("2026-01-29T22:14:30.0020080Z", "-KvpExchange", 4096, 2, "EDGE01"),
        worker("2026-01-29T22:15:44.8170220Z", 18500, 4, "FW01"),
        vmms("2026-01-30T22:31:19.9610400Z", 20418, "MAIL01", "10.20.30.11"),
        integration("2026-01-30T22:31:21.3380090Z", "", 4020, 4, "MAIL01"),
    ],
    "HV03": [
        worker("2026-01-29T23:02:09.5170000Z", 18500, 4, "PRINT01"),
        worker("2026-01-29T23:05:51.1200440Z", 18500, 4, "NEW01"),
        worker("2026-01-29T23:08:33.0960210Z", 18500, 4, "TEST01"),
        integration("2026-01-29T23:09:02.7710120Z", "", 4020, 4, "TEST01"),
        worker("2026-01-30T17:30:27.6640080Z", 18508, 4, "TEST01"),
    ],
    "HV21": [
        worker("2026-01-11T03:01:14.2010000Z", 18500, 4, "WEB21"),
        worker("2026-01-11T03:02:40.7730100Z", 18500, 4, "WEB22"),
        worker("2026-01-11T03:04:01.9080030Z", 18500, 4, "LEG21"),
        worker("2026-01-11T03:05:37.4410060Z", 18500, 4, "LEG22"),
        worker("2026-01-11T03:07:12.0350020Z", 18500, 4, "K8S21"),
        slow_io("2026-01-30T23:40:11.6020000Z", r"C:\ClusterStorage\Volume2\WEB22\disk0.vhdx", 21873),
        slow_io("2026-01-30T23:40:19.8810000Z", r"C:\ClusterStorage\Volume2\LEG21\disk0.vhdx", 30112),
        slow_io("2026-01-30T23:41:02.3390000Z", r"C:\ClusterStorage\Volume2\WEB22\disk0.vhdx", 44790),
    ],
    "HV22": [
        worker("2026-01-11T03:31:40.5520000Z", 18500, 4, "WEB23"),
        worker("2026-01-11T03:33:04.1180400Z", 18500, 4, "ERP21"),
        worker("2026-01-11T03:35:56.8390090Z", 18500, 4, "LEG23"),
        worker("2026-01-11T03:38:21.0070010Z", 18500, 4, "ARC21"),
        worker("2026-01-11T03:40:09.9410030Z", 18500, 4, "DB21"),
        slow_io("2026-01-30T23:40:13.2270000Z", r"C:\ClusterStorage\Volume2\ERP21\data.vhdx", 25604),
    ],
}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "bundles")
    for host in HOSTS:
        folder = os.path.join(out, host)
        *facts, record = HOSTS[host]
        write_host(folder, host, *facts, "2026-01-31T08:00:00Z")
        write_events(folder, host, record, EVENTS[host])
        for day, stamp in enumerate((DAY1, DAY2)):
            write_kvp(folder, host, [g for g in GUESTS if g.host == host and g.days[day]], day, stamp)


if __name__ == "__main__":
    main()
