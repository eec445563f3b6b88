"""Simulated agents: many connections, real TLS, real requests, and a memory of what was acknowledged.

Each agent does what hvagent does towards a hub: numbers its records without holes, sends them in
order, one request at a time, and goes on only after a 200; after anything else (a refusal, a
broken connection, an answer that does not come) it sends the same records again, later.  It
changes its connection often, so that behind a balancer it comes to every hub.

The load lasts as long as the test wants: agents spread their requests over `seconds` and keep
their last one back until release().  With `heeds` they do as they are told: wait for Retry-After, after a
200 with Hvfleet-Send-Budget: 0 too, as hvagent does; without, they press as nobody should.
"""

import asyncio
import random
import ssl
import struct
import threading
import time

CLUSTERS = 8
REQUESTS_A_CONNECTION = 8
ANSWER_S = 45.0  # an answer that takes longer is taken for lost
RETRY_S = (0.1, 2.0)
T0_NS = 1769846400 * 10**9


# -- protobuf: an ExportLogsServiceRequest (model/otlp.proto)

def varint(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def block(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def attribute(key, value):
    any_value = varint(3 << 3) + varint(value) if isinstance(value, int) else block(1, value.encode())
    return block(1, key.encode()) + block(2, any_value)


class Agent:
    def __init__(self, number, records):
        self.number, self.records, self.acked = number, records, 0
        self.id = f"A0000000-0000-4000-8000-{number:012d}"
        facts = {"service.name": "hvagent", "service.version": "0.1.0", "service.instance.id": self.id,
                 "host.id": f"LOAD-{number:05d}", "host.name": f"HV{number:05d}", "os.version": "10.0.17763.5329",
                 "hyperv.cluster.name": f"LOAD-{number % CLUSTERS}"}
        self.resource = block(1, b"".join(block(1, attribute(k, v)) for k, v in facts.items()))
        self.kind = block(12, b"hyperv.guest.lifecycle")

    def vm(self, seq):
        """Every tenth record is about a guest that many hosts speak of, as one that moves about."""
        n = seq // 10 % 50 if seq % 10 == 0 else 1000 + self.number * 20 + seq % 20
        return f"B0000000-0000-4000-8000-{n:012d}"

    def record(self, seq):
        when = struct.pack("<Q", T0_NS + seq * 10**9)
        return block(2, b"".join((
            varint(1 << 3 | 1), when, varint(11 << 3 | 1), when, varint(2 << 3), varint(9),
            block(5, block(1, f"record {seq} of {self.number}".encode())),
            block(6, attribute("hyperv.vm.id", self.vm(seq))),
            block(6, attribute("hyperv.vm.change", "started" if seq % 2 else "stopped")),
            block(6, attribute("hvfleet.seq", seq)), self.kind)))

    def body(self, first, last):
        return block(1, self.resource + block(2, b"".join(self.record(seq) for seq in range(first, last + 1))))


class Refused(Exception):
    """The hub answered something other than 200: 429, not now, or 503, not as long as this lasts."""

    def __init__(self, status, after):
        super().__init__(status)
        self.status, self.after = status, after


class Load:
    """load = Load(...); load.start(); ...; load.release(); load.join()"""

    def __init__(self, port, ca_file, token, agents, records, batch=50, seconds=20.0, seed=0, heeds=False):
        self.port, self.token, self.batch, self.seconds, self.seed = port, token, batch, seconds, seed
        self.heeds = heeds
        self.tls = ssl.create_default_context(cafile=str(ca_file))
        self.agents = [Agent(n, records) for n in range(1, agents + 1)]
        self.total = agents * records
        self.acknowledged = 0  # records
        self.counts = {"requests": 0, "connections": 0, "refused": 0, "failed": 0, "broken": 0, "paused": 0}
        self.slowest = 0.0  # from the first try of a request to its acknowledgement
        self.problem = None
        self.released, self.thread, self.took = threading.Event(), None, 0.0

    def start(self):
        self.thread = threading.Thread(target=self.main, daemon=True)
        self.thread.start()

    def release(self):
        self.released.set()

    def join(self, seconds):
        self.thread.join(seconds)
        assert not self.thread.is_alive(), f"only {self.acknowledged} of {self.total} acknowledged after {seconds:.0f} s"
        if self.problem:
            raise AssertionError(f"the load: {self.problem!r}")

    def main(self):
        start = time.monotonic()
        try:
            asyncio.run(self.all())
        except BaseException as problem:
            self.problem = problem
        self.took = time.monotonic() - start

    async def all(self):
        await asyncio.gather(*(self.live(agent) for agent in self.agents))

    async def live(self, agent):
        chance = random.Random(f"{self.seed} {agent.number}")
        requests = -(-agent.records // self.batch)
        pause, line = self.seconds / requests, None
        await asyncio.sleep(chance.random() * pause)
        while agent.acked < agent.records:
            last = min(agent.acked + self.batch, agent.records)
            while last == agent.records and not self.released.is_set():
                await asyncio.sleep(0.2)
            line = await self.deliver(agent, last, line, chance)
            await asyncio.sleep(chance.random() * 2 * pause)
        await self.hang_up(line)

    async def deliver(self, agent, last, line, chance):
        """Until it is acknowledged; returns the connection for the next request, or None."""
        body, tries, start = agent.body(agent.acked + 1, last), 0, time.monotonic()
        while True:
            after = 0.0
            try:
                if line is None:
                    line = await self.connect()
                mark = await asyncio.wait_for(self.post(line, body), ANSWER_S)
                assert mark >= last, f"agent {agent.number}: 200, but acknowledged through {mark}, sent {last}"
                break
            except Refused as answer:
                self.counts["refused" if answer.status == 429 else "failed"] += 1
                after = answer.after if self.heeds else 0.0
            except (OSError, EOFError, asyncio.TimeoutError):
                self.counts["broken"] += 1
                await self.hang_up(line)
                line = None
            tries += 1
            await asyncio.sleep(after or RETRY_S[0] + chance.random() * min(RETRY_S[1], RETRY_S[0] * 2**tries))
        self.slowest = max(self.slowest, time.monotonic() - start)
        self.acknowledged += last - agent.acked
        agent.acked = last
        pause, line["left"] = line.pop("pause", None), line["left"] - 1
        if line["left"] == 0:
            await self.hang_up(line)
            line = None
        if pause is not None and agent.acked < agent.records:
            self.counts["paused"] += 1
            await asyncio.sleep(pause)
        return line

    async def connect(self):
        self.counts["connections"] += 1
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls, server_hostname="localhost"), 120)
        return {"reader": reader, "writer": writer, "left": REQUESTS_A_CONNECTION}

    @staticmethod
    async def hang_up(line):
        if line is not None:
            line["writer"].transport.abort()

    async def post(self, line, body):
        """Sends one request; the mark that its 200 acknowledges."""
        self.counts["requests"] += 1
        line["writer"].write(b"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
                             + f"Authorization: Bearer {self.token}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                             + body)
        await line["writer"].drain()
        head = (await line["reader"].readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (h.partition(":") for h in head[1:] if h)}
        await line["reader"].readexactly(int(headers.get("content-length", 0)))
        status = int(head[0].split()[1])
        if status == 200:
            if self.heeds and headers.get("hvfleet-send-budget") == "0":
                line["pause"] = float(headers["retry-after"])
            return int(headers["hvfleet-acked-through"])
        if headers.get("connection", "").lower() == "close":
            raise EOFError(head[0])
        if status not in (429, 503):
            raise AssertionError(f"a hub answered {head[0]}")
        raise Refused(status, float(headers.get("retry-after", 0)))

    def summary(self):
        counts = ", ".join(f"{n} {what}" for what, n in self.counts.items())
        return (f"{len(self.agents)} simulated agents, {self.acknowledged} records acknowledged in {self.took:.1f} s:"
                f" {counts}; slowest acknowledgement {self.slowest:.1f} s")
