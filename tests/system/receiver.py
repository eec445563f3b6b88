#!/usr/bin/env python3
"""A receiver that observations are forwarded to, as a program of its own, so that it can be killed.

    receiver.py otlp|splunk|syslog PORT FOLDER OUT [moody]

Writes one line a record to OUT, "id digest", before it answers.  FOLDER has hub.pem and hub.key.  moody: refuses
now and then, as real ones do (429 with Retry-After, 503, 413 for many records, hanging up)."""

import gzip
import hashlib
import http.server
import json
import random
import re
import socket
import socketserver
import ssl
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from fleet import attributes, fields  # noqa: E402

KIND, PORT, FOLDER, OUT = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
MOODY = "moody" in sys.argv[5:]
SPLUNK_TOKEN = "00000000-1111-2222-3333-444444444444"
TOO_MANY = 60


def keep(records):
    with open(OUT, "a", encoding="utf-8") as out:
        out.write("".join(f"{name} {hashlib.sha256(content).hexdigest()[:16]}\n" for name, content in records))


def otlp_records(body):
    for number, group in fields(body):
        if number != 1:
            continue
        parts = list(fields(group))
        resource = b"".join(value for n, value in parts if n == 1)
        # a resource's attributes are its field 1, a record's its field 6: shift them for attributes()
        who = attributes(b"".join(b"\x32" + bytes([len(v)]) + v if len(v) < 128 else b"" for n, v in fields(resource) if n == 1))
        for n, scope in parts:
            if n == 2:
                for m, record in fields(scope):
                    if m == 2:
                        yield f"{who['service.instance.id']}:{attributes(record)['hvfleet.seq']}", record


def splunk_records(body):
    decoder, text, at = json.JSONDecoder(), body.decode(), 0
    while at < len(text):
        event, at = decoder.raw_decode(text, at)
        at = len(text) - len(text[at:].lstrip())
        assert event["source"] == "hvfleet" and event["sourcetype"] == "hvfleet:observation" and event["host"], event
        inner = event["event"]
        assert inner["id"] == f"{inner['agent_id']}:{inner['seq']}", inner
        yield inner["id"], json.dumps([inner["kind"], inner["message"], inner["attributes"]], sort_keys=True).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, text, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def mood(self, count):
        """Refuses; True when it did."""
        turn = random.random()
        if count > TOO_MANY:
            self.answer(413, b"too much")
        elif turn < 0.1:
            self.answer(429, b"busy", Retry_After="1" if turn < 0.02 else "0")
        elif turn < 0.2:
            self.answer(503, b"busy")
        elif turn < 0.25:
            self.close_connection = True
        else:
            return False
        return True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if KIND == "otlp":
            assert self.path == "/v1/logs" and self.headers["Content-Type"] == "application/x-protobuf"
            records = list(otlp_records(body))
        else:
            assert self.path == "/services/collector/event", self.path
            if self.headers["Authorization"] != f"Splunk {SPLUNK_TOKEN}":
                self.answer(403, b'{"text":"Invalid token","code":4}')
                return
            records = list(splunk_records(body))
        if MOODY and self.mood(len(records)):
            return
        keep(records)
        self.answer(200, b"" if KIND == "otlp" else b'{"text":"Success","code":0}')

    def log_message(self, *_):
        pass


MESSAGE = re.compile(rb'<(\d+)>1 (\S+) (\S+) hvfleet (\S+) (\S+) \[hvfleet@32473 id="([^"]+)"(.*)\] \xef\xbb\xbf(.*)', re.S)


def syslog_record(message):
    found = MESSAGE.fullmatch(message)
    assert found and len(message) <= 8192, message
    return found[6].decode(), found[5] + found[7] + found[8]


class Frames:
    """RFC 5425: LENGTH SP MESSAGE, one after the other."""

    def __init__(self):
        self.held = b""

    def add(self, data):
        self.held += data
        while (blank := self.held.find(b" ")) > 0:
            length = int(self.held[:blank])
            if len(self.held) < blank + 1 + length:
                return
            yield self.held[blank + 1:blank + 1 + length]
            self.held = self.held[blank + 1 + length:]


class Line(socketserver.BaseRequestHandler):
    def handle(self):
        frames = Frames()
        try:
            self.request.do_handshake()
            while data := self.request.recv(4096):
                keep([syslog_record(m) for m in frames.add(data)])
                if MOODY and random.random() < 0.01:
                    return
            self.request.unwrap()
        except OSError:
            pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{FOLDER}/hub.pem", f"{FOLDER}/hub.key")
    server = Server(("127.0.0.1", PORT), Line if KIND == "syslog" else Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(f"listening on {server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    socket.setdefaulttimeout(120)
    main()
