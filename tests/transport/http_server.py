#!/usr/bin/env python3
"""A server for http_rig.c: answers by path, tells what it saw.

    http_server.py [--cert F --key F] [--client-ca F] [--tunnel PORT]

The first line of its output is the port; every request is one line of JSON
after that.  With --tunnel it is a proxy whose CONNECT leads to that port of this
machine, whatever was asked for.  It ends when its input does.
"""
import argparse
import email.utils
import http.server
import itertools
import json
import os
import select
import socket
import ssl
import sys
import threading
import time

connections = itertools.count(1)
lock = threading.Lock()


def tell(**what):
    with lock:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        self.number = next(connections)
        self.subject = ""
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
            cert = self.request.getpeercert() or {}
            names = [v for part in cert.get("subject", ()) for k, v in part if k == "commonName"]
            self.subject = names[0] if names else ""
        super().setup()

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        tell(connection=self.number, subject=self.subject, path=self.path, length=len(body),
             first=body[:8].decode("latin-1"), headers={k.lower(): v for k, v in self.headers.items()})
        mode = self.path[: -len("/v1/logs")].strip("/")
        getattr(self, "mode_" + mode)()

    def mode_ok(self):
        self.answer(200, Hvfleet_Acked_Through="42", Hvfleet_Send_Budget="65536", Hvfleet_Takes_State="1")

    def mode_seconds(self):
        self.answer(503, b"busy", Retry_After="17")

    def mode_date(self):
        self.answer(429, Retry_After=email.utils.formatdate(time.time() + 90, usegmt=True))

    def mode_text(self):
        self.answer(400, b"no \x1b[31mthanks\n" + b"x" * 5000)

    def mode_status(self):
        self.answer(401, b"\x08\x10\x12\x0bno such key", Content_Type="application/x-protobuf")

    def mode_redirect(self):
        self.answer(302, Location="/ok/v1/logs")

    def mode_giant(self):
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 34))
        self.send_header("Hvfleet-Acked-Through", "7")
        self.end_headers()
        for _ in range(1 << 14):
            self.wfile.write(b"x" * (1 << 20))

    def mode_headers(self):
        self.send_response(200)
        for i in range(100000):
            self.wfile.write(b"X-Padding-%d: %s\r\n" % (i, b"x" * 1000))
        self.close_connection = True

    def mode_half(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"only this")
        self.close_connection = True

    def mode_slam(self):
        self.close_connection = True

    def mode_last(self):
        self.answer(200, Connection="close")
        self.close_connection = True

    def mode_silent(self):
        time.sleep(30)

    def do_CONNECT(self):
        tell(connection=self.number, connect=self.path)
        far = socket.create_connection(("127.0.0.1", self.server.tunnel))
        self.wfile.write(b"HTTP/1.1 200 yes\r\nRetry-After: 99\r\nHvfleet-Acked-Through: 99\r\nHvfleet-Send-Budget: 99\r\n\r\n")
        near = self.connection
        while True:
            for s in select.select([near, far], [], [])[0]:
                data = s.recv(65536)
                if not data:
                    far.close()
                    self.close_connection = True
                    return
                (far if s is near else near).sendall(data)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    tunnel = 0

    def handle_error(self, request, client_address):
        pass


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--cert")
    p.add_argument("--key")
    p.add_argument("--client-ca")
    p.add_argument("--tunnel", type=int, default=0)
    a = p.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    server.tunnel = a.tunnel
    if a.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(a.cert, a.key)
        if a.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(a.client_ca)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_address[1], flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()


main()
