"""Those who are delivered to: a mail server with STARTTLS and AUTH, and an HTTPS webhook receiver that checks
signatures.  Both run in threads of the test and can be told to fail."""

import base64
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import socketserver
import ssl
import threading
import time


def tls_of(folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "hub.pem", folder / "hub.key")
    return context


class Serving(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that hangs up is part of the tests


class Mail:
    def __init__(self, sender, to, data, user, tls):
        self.sender, self.to, self.user, self.tls = sender, to, user, tls
        self.raw = data
        self.message = email.message_from_bytes(data, policy=email.policy.default)

    @property
    def id(self):
        return self.message["Message-ID"]

    def body(self, kind):
        part = self.message.get_body(preferencelist=(kind,))
        return part.get_content() if part is not None else None

    def attachment(self):
        for part in self.message.iter_attachments():
            return part.get_filename(), part.get_content()
        return None, None


class MailServer:
    """with MailServer(folder) as server: server.port, server.mails
    server.answers: what a command gets instead, by its word ({"RCPT": "450 later"}); "DATA." is the end of the mail.
    server.after: called with each mail before it is acknowledged; false hangs up instead."""

    def __init__(self, folder, user="hvhub", password="p w", starttls=True):
        self.mails, self.answers, self.after, self.sessions = [], {}, None, 0
        self.user, self.password, self.starttls = user, password, starttls
        outer, context = self, tls_of(folder)

        class Session(socketserver.StreamRequestHandler):
            def say(self, line):
                self.wfile.write(line.encode() + b"\r\n")
                self.wfile.flush()

            def handle(self):
                outer.sessions += 1
                self.tls = self.login = None
                self.sender, self.to = None, []
                self.say("220 mail.test ESMTP")
                while True:
                    line = self.rfile.readline(2000)
                    if not line:
                        return
                    words = line.decode().strip()
                    command = words.split(" ")[0].upper()
                    answer = outer.answers.get(command)
                    if answer:
                        self.say(answer)
                    elif not getattr(self, "do_" + command.lower(), self.unknown)(words):
                        return

            def unknown(self, words):
                self.say("500 what?")
                return True

            def do_ehlo(self, words):
                self.say("250-mail.test")
                if outer.starttls and not self.tls:
                    self.say("250-STARTTLS")
                elif outer.user:
                    self.say("250-AUTH PLAIN")
                self.say("250 8BITMIME")
                return True

            def do_starttls(self, words):
                self.say("220 go ahead")
                self.connection = context.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
                self.tls = True
                return True

            def do_auth(self, words):
                parts = words.split(" ")
                given = parts[2] if len(parts) > 2 else None
                if given is None:
                    self.say("334 ")
                    given = self.rfile.readline(2000).decode().strip()
                _, user, password = base64.b64decode(given).decode().split("\0")
                good = self.tls and (user, password) == (outer.user, outer.password)
                self.login = user if good else None
                self.say("235 hello" if good else "535 5.7.8 wrong user or password")
                return True

            def do_mail(self, words):
                if outer.user and not self.login:
                    self.say("530 log in first")
                else:
                    self.sender = words[len("MAIL FROM:"):]
                    self.say("250 ok")
                return True

            def do_rcpt(self, words):
                self.to.append(words[len("RCPT TO:"):])
                self.say("250 ok")
                return True

            def do_data(self, words):
                self.say("354 go ahead")
                lines = []
                while True:
                    line = self.rfile.readline(100000)
                    if not line:
                        return False
                    if line == b".\r\n":
                        break
                    lines.append(line[1:] if line.startswith(b".") else line)
                if "DATA." in outer.answers:
                    self.say(outer.answers["DATA."])
                    return True
                mail = Mail(self.sender, self.to, b"".join(lines), self.login, bool(self.tls))
                outer.mails.append(mail)
                if outer.after is not None and not outer.after(mail):
                    return False
                self.say("250 taken")
                self.to = []
                return True

            def do_rset(self, words):
                self.to = []
                self.say("250 ok")
                return True

            def do_quit(self, words):
                self.say("221 bye")
                return False

        self.server = Serving(("127.0.0.1", 0), Session)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Webhook:
    """with Webhook(folder, secret) as hook: hook.url, hook.calls (headers, document); hook.status: what is answered, or
    a list of answers, the last of which stays."""

    def __init__(self, folder, secret=None):
        self.calls, self.tries, self.status, self.headers = [], [], 200, {}
        self.wrong = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                problem = outer.check(self.headers, body)
                if problem:
                    outer.wrong.append(problem)
                status = outer.status
                if isinstance(status, list):
                    status = status.pop(0) if len(status) > 1 else status[0]
                outer.tries.append((time.monotonic(), status, self.headers["Idempotency-Key"]))
                if status < 300:
                    outer.calls.append((dict(self.headers), json.loads(body)))
                self.send_response(status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

        self.secret = secret
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.server.socket = tls_of(folder).wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}/hook?key=1"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def check(self, headers, body):
        """The recipe of docs/delivery.md."""
        if self.secret is None or headers["X-Hvfleet-Delivery"] in ("teams", "slack"):
            return None
        if headers["X-Hvfleet-Signature"] is None:
            return "no signature"
        timestamp = headers["X-Hvfleet-Timestamp"]
        if abs(time.time() - int(timestamp)) > 300:
            return "old"
        want = "v1=" + hmac.new(self.secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return None if hmac.compare_digest(want, headers["X-Hvfleet-Signature"]) else "wrong signature"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
