"""A hub and agents as a person would start them, for the whole-program tests.

Everything lives in one temporary folder and speaks real TLS on loopback.
Programs come from $HVFLEET_BUILD (default: build).
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("HVFLEET_BUILD", "build")
SKIPPED = 77
PATIENCE_S = 300.0  # what is not so by then never will be, however slow the machine is


def skip(test, reason):
    print(f"skip: {test}: {reason}")
    sys.exit(SKIPPED)


def wait_for(what, check, seconds=PATIENCE_S, pause=0.05):
    """Calls check() until it is true; fails the test after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not so after {seconds:.0f} s")
        time.sleep(pause)


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Program:
    """One of our programs under a name; its messages go to <name>.log, over all its starts."""

    def __init__(self, folder, name):
        self.folder, self.name, self.process = folder, name, None
        self.log = folder / f"{name}.log"

    def start(self, *words, stdout=None):
        assert self.process is None
        with open(self.log, "ab") as log:
            out = open(stdout, "wb") if stdout else subprocess.DEVNULL
            self.process = subprocess.Popen([str(w) for w in words], stdout=out, stderr=log, stdin=subprocess.DEVNULL)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """SIGKILL: nothing can be done about it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self, seconds=120):
        """SIGTERM; returns the exit code."""
        if self.process is None:
            return None
        self.process.terminate()
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop within {seconds} s of SIGTERM") from None
        self.process = None
        return code


class Fleet:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hvfleet-test."))
        self.hub, self.agents, self.port = None, {}, 0
        self.max_connections = 1000
        self.retry_max = "500ms"  # of the agents
        self.ingest = ""  # more of that section: ", max_body: 64KiB"
        self.store = None  # a postgresql:// URL; None: a file
        self.programs = []  # others that end with the fleet

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for program in [*self.agents.values(), self.hub, *self.programs]:
            if program is not None and program.process is not None:
                program.kill()
        if error is not None:
            for log in sorted(self.folder.glob("*.log")):
                lines = log.read_text(errors="replace").splitlines()[-25:]
                print(f"---- {log.name} (its end)", *lines, sep="\n", file=sys.stderr)
        if os.environ.get("KEEP"):
            print(f"kept: {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def program(self, name):
        """One more program that is ended with the fleet."""
        self.programs.append(Program(self.folder, name))
        return self.programs[-1]

    # -- certificates

    def certificates(self):
        f = self.folder
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=hvfleet test CA", "-keyout", f / "ca.key", "-out", f / "ca.pem",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
                "-keyout", f / "hub.key", "-out", f / "hub.csr")
        (f / "hub.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        openssl("x509", "-req", "-in", f / "hub.csr", "-CA", f / "ca.pem", "-CAkey", f / "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", f / "hub.ext", "-out", f / "hub.pem")
        (f / "token").write_text("0123456789abcdef0123456789abcdef0123456789abcdef\n")
        for name in ("token", "hub.key", "ca.key"):
            (f / name).chmod(0o600)

    # -- the hub

    def hub_config(self, extra=""):
        f = self.folder
        (f / "hub").mkdir(mode=0o700, exist_ok=True)
        (f / "hub.yaml").write_text(f"""\
listen: "127.0.0.1:{self.port}"
tls: {{cert_file: "{f}/hub.pem", key_file: "{f}/hub.key"}}
ingest: {{token_file: "{f}/token", require_certificate: false, max_connections: {self.max_connections}{self.ingest}}}
store: {{path: "{self.store or f"{f}/hub/fleet.db"}"}}
{extra}""")

    def start_hub(self, extra=""):
        """Starts it, or starts it again on the port it had."""
        f = self.folder
        if self.hub is None:
            if not (f / "hub.pem").exists():
                self.certificates()
            self.hub = Program(f, "hub")
        self.hub_config(extra)
        out = f / "hub.out"
        out.unlink(missing_ok=True)
        self.hub.start(BUILD / "hvhub", "serve", "--config", f / "hub.yaml", stdout=out)

        def listening():
            assert self.hub.alive(), "the hub ended by itself"
            for line in out.read_text().splitlines():
                if line.startswith("listening on ") and ":" in line:
                    return int(line.rsplit(":", 1)[1])
            return 0

        self.port = wait_for("the hub listens", listening)
        return self.port

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def database(self):
        return sqlite3.connect(f"file:{self.folder}/hub/fleet.db?mode=ro", uri=True, timeout=120)

    def explained(self):
        """The hub has no incident left to compute: all that it was told is in them."""
        with contextlib.closing(self.database()) as db:
            return db.execute("SELECT count(*) FROM incident_todo").fetchone()[0] == 0

    def report(self, *words):
        done = subprocess.run([str(BUILD / "hvhub"), "report", *words, "--config", str(self.folder / "hub.yaml")],
                              stdout=subprocess.PIPE, check=True, text=True)
        return done.stdout

    # -- agents

    def start_agent(self, name, bundle, hub="", extra=""):
        f = self.folder
        if name not in self.agents:
            (f / name).mkdir(mode=0o700)
            (f / f"{name}.yaml").write_text(f"""\
hub:
  url: "{self.url}"
  token_file: "{f}/token"
  ca_file: "{f}/ca.pem"
  retry: {{min: 50ms, max: {self.retry_max}}}
{hub or '  batch: {max_age: 100ms}'}
store: {{dir: "{f}/{name}"}}
sources: {{bundles: ["{bundle}"], poll: 200ms}}
dumps: {{settle: 200ms}}
status: {{socket: "{f}/{name}/status.sock"}}
{extra}""")
            self.agents[name] = Program(f, name)
        self.agents[name].start(BUILD / "hvagent", "run", "--config", f / f"{name}.yaml")

    def status(self, name):
        """The agent's status, or None when it does not answer."""
        done = subprocess.run([str(BUILD / "hvagent"), "status", "--json", "--socket", str(self.folder / name / "status.sock")],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return None

    def asked(self, name):
        """The same, when it must answer."""
        return wait_for(f"{name} answers", lambda: self.status(name))

    def drained(self, name):
        s = self.status(name)
        return (s is not None and s["sources"] and all(source["caught_up"] for source in s["sources"])
                and s["store"]["rows"] == 0 and s["transport"]["last_ack"])


# -- protobuf, just enough to look into what the hub keeps

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = data[at:at + 8], at + 8
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            value, at = data[at:at + 4], at + 4
        yield tag >> 3, value


def attributes(record):
    """The string and integer attributes of an encoded LogRecord."""
    found = {}
    for number, value in fields(record):
        if number != 6:
            continue
        pair = dict(fields(value))
        for kind, inner in fields(pair.get(2, b"")):
            if kind == 1:
                found[pair[1].decode()] = inner.decode()
            elif kind == 3:
                found[pair[1].decode()] = inner
    return found
