"""A PostgreSQL server of the tests' own: Debian's postgresql-15 in a temporary
folder, on a local socket alone, as a user without rights."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

BINARIES = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))


def missing():
    """Why there can be no server here; None when there can."""
    if not BINARIES or not (BINARIES[-1] / "initdb").exists():
        return "PostgreSQL's server is not installed: apt-get install postgresql"
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        return "run as root, and setpriv is not there to become another user"
    return None


class Postgres:
    """with Postgres() as server: server.url, server.stop(), server.kill(), server.start()
    with Postgres(primary=server) as standby: standby.promote()"""

    def __init__(self, fsync=False, primary=None):
        self.primary = primary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hvfleet-pg."))
        self.data = self.folder / "data"
        self.process = None
        self.as_user = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres" if any(u.pw_name == "postgres" for u in pwd.getpwall()) else "nobody")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        self.folder.chmod(0o755)
        self.fsync = fsync

    def program(self, name, *words, **kwargs):
        return subprocess.run([*self.as_user, str(BINARIES[-1] / name), *map(str, words)], check=True, cwd=self.folder,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **kwargs)

    def __enter__(self):
        if self.primary is not None:
            self.follow(self.primary)
            return self
        self.program("initdb", "-D", self.data, "-U", "hvhub", "--auth=trust", "--encoding=UTF8", "--locale=C",
                     "--no-sync")
        self.start()
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self):
        return f"postgresql://hvhub@/postgres?host={self.folder}"

    def start(self):
        settings = {"listen_addresses": "", "unix_socket_directories": self.folder, "max_connections": 60,
                    "fsync": "on" if self.fsync else "off", "full_page_writes": "on" if self.fsync else "off",
                    "shared_buffers": "32MB", "logging_collector": "off"}
        words = [w for name, value in settings.items() for w in ("-c", f"{name}={value}")]
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen([*self.as_user, str(BINARIES[-1] / "postgres"), "-D", str(self.data), *words],
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder)
        deadline = time.monotonic() + 300
        while subprocess.run([str(BINARIES[-1] / "pg_isready"), "-q", "-h", str(self.folder)]).returncode != 0:
            assert self.process.poll() is None, (self.folder / "server.log").read_text(errors="replace")
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)

    def stop(self, how=signal.SIGINT):
        """A fast shutdown."""
        self.process.send_signal(how)
        self.process.wait(300)
        self.process = None

    def kill(self):
        """SIGKILL for the server and every process of its own, as when the machine goes."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in [self.process.pid, *map(int, children)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process = None
        while any(pathlib.Path(f"/proc/{pid}").exists() for pid in children):
            time.sleep(0.02)

    # -- a standby

    def follow(self, primary):
        """Begins as a copy of the primary, which from then on waits for it at each commit."""
        self.program("pg_basebackup", "-h", primary.folder, "-U", "hvhub", "-D", self.data, "-R", "-X", "stream", "-c",
                     "fast", "--no-sync")
        self.start()
        primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.ask("SELECT pg_reload_conf()")

    def promote(self):
        assert self.ask("SELECT pg_promote()") == [["t"]]

    def ask(self, sql):
        """The rows of a statement, as lists of text."""
        done = subprocess.run([str(BINARIES[-1] / "psql"), "-X", "-q", "-A", "-t", "-F", "\t", "-h", str(self.folder), "-U",
                               "hvhub", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-c", sql],
                              check=True, stdout=subprocess.PIPE, text=True)
        return [line.split("\t") for line in done.stdout.splitlines()]
