"""Simulated agents: OTLP in its JSON form, sent until the hub has taken it."""

import json
import random
import ssl
import threading
import time
import urllib.error
import urllib.request

START = 1769846400 * 10**9  # 2026-01-31T08:00:00Z


def agent_id(number):
    return f"A0000000-0000-4000-8000-{number:012d}"


def attribute(key, value):
    return {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}


def record(number, seq):
    vm = f"B0000000-0000-4000-8000-{number * 1000 + seq % 20:012d}"
    return {"timeUnixNano": str(START + seq * 10**9), "observedTimeUnixNano": str(START + seq * 10**9 + 1000),
            "severityNumber": 9, "eventName": "hyperv.guest.lifecycle",
            "body": {"stringValue": f'guest "{seq % 20}" of [host] {number}: turn {seq} \u00fc'},
            "attributes": [attribute("hvfleet.seq", seq), attribute("hyperv.vm.id", vm),
                           attribute("hyperv.vm.name", f'vm]"{seq % 20}\\'), attribute("hyperv.vm.change", "started")]}


def request(number, seqs):
    resource = [attribute("service.name", "hvagent"), attribute("service.instance.id", agent_id(number)),
                attribute("service.version", "0.1.0"), attribute("host.id", f"HOST-{number:04d}"), attribute("host.name", f"HV{number:02d}"),
                attribute("os.version", "6.3.9600.20778"), attribute("hyperv.host.is_version", "6.3.9600.18692"),
                attribute("hyperv.cluster.name", f"PROD-{number % 2}")]
    return json.dumps({"resourceLogs": [{"resource": {"attributes": resource}, "scopeLogs": [
        {"logRecords": [record(number, seq) for seq in seqs]}]}]}).encode()


class Hub:
    """Where to send: urls() gives the hubs' addresses, any of which will do."""

    def __init__(self, folder, urls):
        self.urls, self.token = urls, (folder / "token").read_text().strip()
        self.tls = ssl.create_default_context(cafile=str(folder / "ca.pem"))

    def ask(self, url, path, body=None, **headers):
        headers = {"Authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        asked = urllib.request.Request(url + path, data=body, headers=headers)
        with urllib.request.urlopen(asked, context=self.tls, timeout=120) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()

    def deliver(self, number, seqs):
        """Until some hub has committed them; each piece goes to any of the hubs."""
        body = request(number, seqs)
        deadline = time.monotonic() + 600
        while True:
            try:
                status, _, _ = self.ask(random.choice(self.urls()), "/v1/logs", body, Content_Type="application/json")
                if status == 200:
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, "no hub takes the records"
            time.sleep(0.05)


def pieces(first, last, chance):
    """The numbers first to last in pieces, some of which change places, as behind a collector that shuffles."""
    out = []
    while first <= last:
        size = chance.randint(1, 40)
        out.append(list(range(first, min(first + size, last + 1))))
        first += size
    for i in range(1, len(out)):
        if chance.random() < 0.2:
            out[i - 1], out[i] = out[i], out[i - 1]
    return out


def send_all(hub, agents, first, last, seed, pause):
    """Starts a thread an agent, each with the records first to last; returns them and a list that holds what went wrong."""
    wrong, threads = [], []

    def run(number):
        chance = random.Random(seed + number)
        try:
            for seqs in pieces(first, last, chance):
                hub.deliver(number, seqs)
                time.sleep(chance.random() * pause)
        except BaseException as error:  # a thread's exception is lost otherwise
            wrong.append(error)

    for number in range(1, agents + 1):
        threads.append(threading.Thread(target=run, args=(number,)))
        threads[-1].start()
    return threads, wrong
