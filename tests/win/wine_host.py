"""hvagent.exe and a stand-in host whose event log grows, for run_kill and run_fleet."""

import os
import pathlib
import signal
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "system"))
from fleet import Fleet, Program  # noqa: E402

CHANNEL = "Microsoft-Windows-Hyper-V-Worker-Admin"
EVENT = (
    '<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>'
    '<Provider Name="Microsoft-Windows-Hyper-V-Worker"/><EventID>18500</EventID><Level>4</Level>'
    '<TimeCreated SystemTime="2026-01-11T03:{minute:02}:{second:02}.5Z"/><EventRecordID>{n}</EventRecordID>'
    '<Channel>' + CHANNEL + '</Channel><Computer>HV01</Computer></System>'
    '<UserData><VmlEventLog xmlns="http://www.microsoft.com/Windows/Virtualization/Events">'
    '<VmName>guest-{n}-</VmName><VmId>D9E0EB0A-5B37-508E-9173-67E9ADE83ACF</VmId></VmlEventLog></UserData></Event>\n'
)


def windows_path(path):
    return "Z:" + str(path)


def put_log(host, count):
    """The channel of the host, a folder, with records 1 to count; in one piece."""
    with open(host / "log.new", "w", encoding="utf-8") as f:
        for n in range(1, count + 1):
            f.write(EVENT.format(n=n, minute=n // 60 % 60, second=n % 60))
    os.rename(host / "log.new", host / "events" / "log.xml")


def writes(store):
    """Of an agent's store, a folder: what changes with every transaction."""
    return [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in sorted(store.glob("agent.db*"))]


def short_numbers(certificate):
    """Whether a number of the certificate's ECDSA signature is shorter than its place.  Wine 8 leaves the zeros in front
    away and then takes the signature for a wrong one ("CertGetCertificateChain error mask: 0x00000008"): one certificate
    in 128.  Windows takes them all."""
    der = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"], capture_output=True, check=True).stdout
    # It ends in SEQUENCE { INTEGER, INTEGER }; whole numbers of 32 bytes have 32 bytes, or 33 with a zero in front.
    signature = der[der.rindex(b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03"):]
    signature = signature[signature.index(b"\x30", 10):]
    first = signature[3]
    second = signature[5 + first]
    return min(first, second) < 32 or any(n == 32 and signature[at] == 0 for n, at in ((first, 4), (second, 6 + first)))


class HubForWine(Fleet):
    """A fleet whose hub has a certificate that Wine can check."""

    def certificates(self):
        while True:
            super().certificates()
            if not any(short_numbers(self.folder / name) for name in ("ca.pem", "hub.pem")):
                return


class WineProgram(Program):
    """A program under Wine, with what Wine starts for it: a session of their own.  Wine itself is kept running by
    tests/win/run, so that nothing of it dies with the program."""

    def start(self, *words, stdout=None):
        assert self.process is None
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["wine", *map(str, words)], stdout=subprocess.DEVNULL, stderr=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True)

    def kill(self):
        if self.alive():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
