#!/usr/bin/env python3
"""What people run today, on the same machine and in the same minute: prints lines of "peer.what key=value ...".

    bench/peers_bench.py [PART...]       rsyslog_idle rsyslog_tail rsyslog_tls collectd node_exporter evtx

Each peer is Debian's package with a configuration of its own in a temporary folder, as little as does the job; one that
is not installed is left out, and the reason said.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]
import system_bench as ours  # noqa: E402

LINES = 400000
IDLE_S = 10
SHARED = pathlib.Path(os.environ.get("HVFLEET_SHARED", HERE.parents[1] / "shared"))


class LeftOut(Exception):
    """The reason why a peer is not measured."""


def need(program, package):
    found = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not found:
        raise LeftOut(f"{program} is not installed: apt-get install {package}")
    return found


def tell(what, **values):
    print(f"peer.{what}", *(f"{k}={v:.6g}" for k, v in values.items()), flush=True)


class Peer:
    """A program in a temporary folder, ended with its block."""

    def __init__(self, *command):
        self.command = [str(word) for word in command]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        stdin=subprocess.DEVNULL)
        self.pid = self.process.pid
        time.sleep(2)
        if self.process.poll() is not None:
            raise LeftOut(f"{self.command[0]} ended by itself with {self.process.returncode}")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def idle(self, what):
        cpu, woken = ours.cpu_s(self.pid), ours.wakeups(self.pid)
        time.sleep(IDLE_S)
        tell(what, rss_mb=ours.memory_mb(self.pid), private_mb=ours.memory_mb(self.pid, "RssAnon"),
             wakeups_a_second=(ours.wakeups(self.pid) - woken) / IDLE_S, cpu_ms=(ours.cpu_s(self.pid) - cpu) * 1e3)


class Sink:
    """Counts the lines that come to a port of its own."""

    def __init__(self):
        self.lines, self.listener = 0, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            line, _ = self.listener.accept()
            threading.Thread(target=self.count, args=(line,), daemon=True).start()

    def count(self, line):
        while data := line.recv(1 << 16):
            self.lines += data.count(b"\n")


def log_of(folder, lines):
    path = folder / "in.log"
    path.write_text("".join(f"line {n} of a log whose lines are as long as such lines usually are, in a file that is followed\n"
                            for n in range(lines)))
    return path


def tailing(folder, log, action):
    config = folder / "rsyslog.conf"
    config.write_text(f'global(workDirectory="{folder}")\nmodule(load="imfile")\n'
                      f'input(type="imfile" file="{log}" tag="bench:")\n{action}\n')
    return [need("rsyslogd", "rsyslog"), "-n", "-f", config, "-i", folder / "pid"]


def rsyslog_idle(folder):
    sink = Sink()
    action = f'action(type="omfwd" target="127.0.0.1" port="{sink.port}" protocol="tcp" queue.type="LinkedList")'
    with Peer(*tailing(folder, log_of(folder, 10), action)) as peer:
        peer.idle("rsyslog_idle")


def rsyslog_tail(folder):
    sink = Sink()
    action = f'action(type="omfwd" target="127.0.0.1" port="{sink.port}" protocol="tcp")'
    began = time.monotonic()
    with Peer(*tailing(folder, log_of(folder, LINES), action)) as peer:
        ours.wait_for("all lines", lambda: sink.lines >= LINES, 120, 0.05)
        tell("rsyslog_tail", lines_per_cpu_second=LINES / ours.cpu_s(peer.pid), rss_mb=ours.memory_mb(peer.pid, "VmHWM"),
             wall_s=time.monotonic() - began)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def rsyslog_tls(folder):
    """From rsyslog to rsyslog over TLS, with a disk queue, into a file."""
    if not pathlib.Path("/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so").exists():
        raise LeftOut("rsyslog's TLS is not installed: apt-get install rsyslog-gnutls")
    port, lines, out = free_port(), LINES // 4, folder / "out.log"
    certs = ours.Fleet()
    try:
        certs.certificates()
        server = folder / "server.conf"
        server.write_text(f"""global(workDirectory="{folder}" defaultNetstreamDriverCAFile="{certs.folder}/ca.pem"
 defaultNetstreamDriverCertFile="{certs.folder}/hub.pem" defaultNetstreamDriverKeyFile="{certs.folder}/hub.key")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" port="{port}" address="127.0.0.1")
action(type="omfile" file="{out}")
""")
        (folder / "queue").mkdir()
        action = (f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" streamDriver="gtls" streamDriverMode="1"'
                  f' streamDriverAuthMode="x509/certvalid" queue.type="Disk" queue.fileName="q" queue.spoolDirectory="{folder}/queue")')
        client = tailing(folder, log_of(folder, lines), action)
        config = folder / "rsyslog.conf"
        config.write_text(f'global(defaultNetstreamDriverCAFile="{certs.folder}/ca.pem")\n' + config.read_text())
        with Peer(need("rsyslogd", "rsyslog"), "-n", "-f", server, "-i", folder / "pid2") as hub:
            began = time.monotonic()
            with Peer(*client) as peer:
                def arrived():
                    return out.exists() and out.read_bytes().count(b"\n") >= lines
                ours.wait_for("all lines", arrived, 90, 0.2)
                took = time.monotonic() - began
                tell("rsyslog_tls", lines_per_second=lines / took, sender_per_cpu_second=lines / ours.cpu_s(peer.pid),
                     receiver_per_cpu_second=lines / ours.cpu_s(hub.pid))
    finally:
        shutil.rmtree(certs.folder, ignore_errors=True)


def collectd(folder):
    program = need("collectd", "collectd-core")
    config = folder / "collectd.conf"
    config.write_text(f'BaseDir "{folder}"\nPIDFile "{folder}/pid"\nLoadPlugin cpu\nLoadPlugin memory\nLoadPlugin load\n'
                      f'LoadPlugin network\n<Plugin network>\n Server "127.0.0.1" "{free_port()}"\n</Plugin>\n')
    with Peer(program, "-f", "-C", config) as peer:
        peer.idle("collectd_idle")


def node_exporter(folder):
    program, port = need("prometheus-node-exporter", "prometheus-node-exporter"), free_port()
    with Peer(program, f"--web.listen-address=127.0.0.1:{port}") as peer:
        import urllib.request
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read()
        peer.idle("node_exporter_idle")


def child_cpu(command):
    before = os.times()
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def evtx(folder):
    """A saved channel: every record printed by evtxexport; read, judged and reported by hvagent replay."""
    sample = SHARED / "samples/evtx/guest-system-hyperv-guest.evtx"
    program = need("evtxexport", "libevtx-utils")
    if not sample.exists():
        raise LeftOut("the saved channel is not there (HVFLEET_SHARED)")
    bundle = folder / "bundle"
    (bundle / "events").mkdir(parents=True)
    (bundle / "host.yaml").write_text("name: HV01\nos_version: 6.3.9600.20778\n")
    shutil.copy(sample, bundle / "events")
    tell("evtx", evtxexport_cpu_ms=1e3 * child_cpu([program, "-f", "xml", sample]),
         replay_cpu_ms=1e3 * child_cpu([ours.BUILD / "hvagent", "replay", bundle]))


PARTS = {part.__name__: part for part in (rsyslog_idle, rsyslog_tail, rsyslog_tls, collectd, node_exporter, evtx)}


def main():
    for name in sys.argv[1:] or PARTS:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-peers."))
        try:
            PARTS[name](folder)
        except LeftOut as reason:
            print(f"left out: {name}: {reason}", file=sys.stderr)
        except AssertionError as problem:
            print(f"left out: {name}: {problem}", file=sys.stderr)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


main()
