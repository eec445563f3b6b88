"""PostgreSQL under Patroni, and HAProxy before the hubs: Debian's programs, on loopback ports and in
temporary folders, as a user without rights.  No service of the machine is touched.

One etcd holds Patroni's leader lock; a real set-up has three of them.
"""

import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from fleet import wait_for
from postgres import BINARIES

PROGRAMS = {"haproxy": "/usr/sbin/haproxy", "patroni": "/usr/bin/patroni", "etcd": "/usr/bin/etcd"}
LOCK_S = 20  # Patroni's smallest: so long a lost primary keeps its lock


def missing():
    """Why there can be no cluster here; None when there can."""
    for name, path in PROGRAMS.items():
        if not os.access(path, os.X_OK):
            return f"{name} is not installed: apt-get install haproxy patroni etcd-server postgresql"
    if not BINARIES or not (BINARIES[-1] / "initdb").exists():
        return "PostgreSQL's server is not installed: apt-get install postgresql"
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        return "run as root, and setpriv is not there to become another user"
    return None


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Place:
    """A temporary folder, and the user that the programs in it run as."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hvfleet-ha."))
        self.folder.chmod(0o755)
        self.as_user, self.owner = [], None
        if os.geteuid() == 0:
            names = {u.pw_name for u in pwd.getpwall()}
            self.owner = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            os.chown(self.folder, self.owner.pw_uid, self.owner.pw_gid)
            self.as_user = ["setpriv", f"--reuid={self.owner.pw_uid}", f"--regid={self.owner.pw_gid}", "--clear-groups"]

    def run(self, name, *words, env=None):
        with open(self.folder / f"{name}.log", "ab") as log:
            return subprocess.Popen([*self.as_user, *map(str, words)], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                    cwd=self.folder, env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), **(env or {})})

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o644)
        return path


def kill(process):
    if process is not None and process.poll() is None:
        process.send_signal(signal.SIGKILL)
    if process is not None:
        process.wait()


class Node:
    """One PostgreSQL and its Patroni; kill() is what happens when their machine goes."""

    def __init__(self, place, name, port, rest, etcd):
        self.place, self.name, self.port, self.rest = place, name, port, rest
        self.data, self.process = place.folder / name / "data", None
        (place.folder / name).mkdir()
        if place.owner:
            os.chown(place.folder / name, place.owner.pw_uid, place.owner.pw_gid)
        self.config = place.write(f"{name}.yml", f"""\
scope: hvfleet
name: {name}
restapi: {{listen: "127.0.0.1:{rest}", connect_address: "127.0.0.1:{rest}"}}
etcd3: {{hosts: "127.0.0.1:{etcd}"}}
bootstrap:
  dcs:
    ttl: {LOCK_S}
    loop_wait: 2
    retry_timeout: 6
    synchronous_mode: true
    primary_start_timeout: 0
    master_start_timeout: 0
    postgresql: {{use_pg_rewind: true, parameters: {{max_connections: 40, wal_keep_size: 256MB}}}}
  initdb: [{{encoding: UTF8}}, {{locale: C}}, data-checksums]
postgresql:
  listen: "127.0.0.1:{port}"
  connect_address: "127.0.0.1:{port}"
  data_dir: "{self.data}"
  bin_dir: "{BINARIES[-1]}"
  pgpass: "{place.folder}/{name}/pgpass"
  authentication:
    superuser: {{username: postgres, password: unused}}
    replication: {{username: replicator, password: unused}}
    rewind: {{username: rewinder, password: unused}}
  pg_hba:
    - local all all trust
    - host all all 127.0.0.1/32 trust
    - host replication all 127.0.0.1/32 trust
  parameters: {{unix_socket_directories: "{place.folder}/{name}", shared_buffers: 64MB, logging_collector: "off"}}
watchdog: {{mode: "off"}}
""")

    def start(self):
        self.process = self.place.run(self.name, PROGRAMS["patroni"], self.config, env={"LC_ALL": "C.UTF-8"})

    def kill(self):
        """SIGKILL for Patroni, the server, and every process of the server."""
        kill(self.process)
        self.process = None
        try:
            server = int((self.data / "postmaster.pid").read_text().split()[0])
            children = pathlib.Path(f"/proc/{server}/task/{server}/children").read_text().split()
        except OSError:
            return
        for pid in [server, *map(int, children)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_for(f"{self.name} is dead", lambda: not any(self.running(pid) for pid in [server, *children]))

    @staticmethod
    def running(pid):
        """A zombie that nobody has asked about yet holds nothing any more."""
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False


class Cluster:
    """with Cluster() as c: c.url, c.leader(), c.lose(node), c.ask(sql)"""

    def __init__(self):
        self.place, self.nodes, self.etcd = Place(), [], None

    def __enter__(self):
        try:
            client, peer, *ports = free_ports(6)
            self.etcd = self.place.run(
                "etcd", PROGRAMS["etcd"], "--data-dir", self.place.folder / "etcd", "--listen-client-urls",
                f"http://127.0.0.1:{client}", "--advertise-client-urls", f"http://127.0.0.1:{client}",
                "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls",
                f"http://127.0.0.1:{peer}", "--initial-cluster", f"default=http://127.0.0.1:{peer}",
                "--logger", "zap", "--log-level", "warn")
            self.nodes = [Node(self.place, f"node{i + 1}", ports[2 * i], ports[2 * i + 1], client) for i in range(2)]
            wait_for("etcd answers", lambda: self.get(client, "/health") is not None)
            for node in self.nodes:
                node.start()
            wait_for("a primary and a synchronous standby", self.whole, pause=0.5)
            self.psql(self.leader(), "CREATE ROLE hvhub LOGIN", "postgres")
            self.psql(self.leader(), "CREATE DATABASE hvfleet OWNER hvhub ENCODING 'UTF8' TEMPLATE template0", "postgres")
        except BaseException:
            self.end(True)
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.end(error is not None)

    def end(self, failed):
        for node in self.nodes:
            node.kill()
        kill(self.etcd)
        if failed:
            for log in sorted(self.place.folder.glob("*.log")):
                print(f"---- {log.name} (its end)", *log.read_text(errors="replace").splitlines()[-25:], sep="\n")
        shutil.rmtree(self.place.folder, ignore_errors=True)

    @property
    def url(self):
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://hvhub@{hosts}/hvfleet"

    @staticmethod
    def get(port, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as r:
                return json.load(r)
        except (OSError, ValueError, urllib.error.HTTPError):
            return None

    def members(self):
        """What Patroni says of each node that runs: {name: (role, state)}."""
        for node in self.nodes:
            found = self.get(node.rest, "/cluster") if node.process is not None else None
            if found is not None:
                return {m["name"]: (m["role"], m["state"]) for m in found["members"]}
        return {}

    def leader(self):
        """The node that takes writes, or None."""
        for node in self.nodes:
            if node.process is not None and self.get(node.rest, "/primary") is not None:
                return node
        return None

    def whole(self):
        return sorted(role for role, state in self.members().values()) == ["leader", "sync_standby"] and self.leader()

    def lose_primary(self):
        """The primary's machine goes; returns how long it took until the standby took over."""
        wait_for("the standby keeps up", self.whole, pause=0.5)
        old, start = self.leader(), time.monotonic()
        old.kill()
        wait_for("the standby takes over", lambda: self.leader() not in (None, old), pause=0.2)
        return old, time.monotonic() - start

    def lose_standby(self):
        """The standby's machine goes; the primary stops waiting for it."""
        wait_for("the standby keeps up", self.whole, pause=0.5)
        leader = self.leader()
        lost, = [node for node in self.nodes if node is not leader]
        lost.kill()
        return lost

    def psql(self, node, sql, database="hvfleet"):
        done = subprocess.run([str(BINARIES[-1] / "psql"), "-X", "-q", "-A", "-t", "-F", "\t", "-h", "127.0.0.1", "-p",
                               str(node.port), "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-c", sql],
                              check=True, stdout=subprocess.PIPE, text=True)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def ask(self, sql):
        return self.psql(self.leader(), sql)


class Haproxy:
    """Gives each connection to the next hub that says it is ready; TLS passes through."""

    def __init__(self, ports, ca_file):
        self.place, self.process = Place(), None
        self.port, = free_ports(1)
        ca = self.place.write("ca.pem", ca_file.read_text())
        servers = "\n".join(f"    server hub{i} 127.0.0.1:{port} check check-ssl verify required ca-file {ca}"
                            f" verifyhost localhost inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions"
                            for i, port in enumerate(ports, 1))
        self.config = self.place.write("haproxy.cfg", f"""\
global
    maxconn 4000
defaults
    mode tcp
    timeout connect 2s
    timeout client 2m
    timeout server 2m
    timeout check 3s
    retries 2
    option redispatch
frontend agents
    bind 127.0.0.1:{self.port}
    default_backend hubs
backend hubs
    balance roundrobin
    option httpchk GET /readyz
    http-check send hdr Host localhost
    http-check expect status 200
{servers}
""")

    def start(self):
        self.process = self.place.run("haproxy", PROGRAMS["haproxy"], "-db", "-f", self.config)
        wait_for("haproxy listens", self.listens)

    def listens(self):
        assert self.process.poll() is None, (self.place.folder / "haproxy.log").read_text(errors="replace")
        try:
            socket.create_connection(("127.0.0.1", self.port), 2).close()
            return True
        except OSError:
            return False

    def kill(self):
        kill(self.process)
        self.process = None

    def end(self):
        self.kill()
        shutil.rmtree(self.place.folder, ignore_errors=True)
