#!/usr/bin/env python3
"""What reading a crash dump costs, whatever its size.

    bench/triage_bench.py [HVAGENT [FOLDER]]

Makes sparse kernel memory dumps of 1, 16 and 64 GB (250 drivers with version
resources, all memory in the bitmap) and a minidump of 1 MB in FOLDER (a
temporary one), runs `hvagent triage --json` over each and prints the median of
five runs: the whole program's time, what it says the reading took of it,
memory and bytes read.  Memory is the program's own high mark, watched while it
runs ("unseen" when it ended too soon).  Needs a file system with holes.  Aims:
16 GB in 100 ms, 20 MB and 8 MB read; reading a minidump in 2 ms; no growth
with size.
"""
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

PAGE = 4096
NT = 0xFFFFF80001A00000
DRIVERS = 250
DRIVER_STEP = 0x100000
POOL = 0xFFFF888000000000
STACK = 0xFFFFF88002000000
RUNS = 5


class Guest:
    """Frames of memory and the tables that map them; frame numbers are spread over all of it."""

    def __init__(self, gigabytes):
        self.total = gigabytes << 18
        self.frames = {}
        self.count = 0
        self.mapped = {}
        self.root = self.frame()

    def frame(self):
        pfn = 1 + self.count * 7919 % (self.total - 1)
        self.count += 1
        self.frames[pfn] = bytearray(PAGE)
        return pfn

    def page(self, va):
        if va in self.mapped:
            return self.mapped[va]
        table = self.root
        for shift in (39, 30, 21):
            at = (va >> shift & 511) * 8
            entry = struct.unpack_from("<Q", self.frames[table], at)[0]
            if not entry & 1:
                entry = self.frame() * PAGE | 0x63
                struct.pack_into("<Q", self.frames[table], at, entry)
            table = (entry & 0xFFFFFFFFFF000) // PAGE
        pfn = self.frame()
        struct.pack_into("<Q", self.frames[table], (va >> 12 & 511) * 8, pfn * PAGE | 0x63)
        self.mapped[va] = pfn
        return pfn

    def write(self, va, data):
        done = 0
        while done < len(data):
            page = (va + done) & ~(PAGE - 1)
            within = va + done - page
            n = min(PAGE - within, len(data) - done)
            self.frames[self.page(page)][within:within + n] = data[done:done + n]
            done += n


def version_resource(rva):
    fixed = struct.pack("<IIIIII", 0xFEEF04BD, 0x10000, 10 << 16, 17763 << 16 | 1, 10 << 16, 17763 << 16 | 1)
    data = b"\0" * 40 + fixed + b"\0" * 64
    r = struct.pack("<IIHHHHII", 0, 0, 0, 0, 0, 1, 16, 0x80000018)
    r += struct.pack("<IIHHHHII", 0, 0, 0, 0, 0, 1, 1, 0x80000030)
    r += struct.pack("<IIHHHHII", 0, 0, 0, 0, 0, 1, 0x409, 0x48)
    return r + struct.pack("<IIII", rva + 0x60, len(data), 0, 0) + b"\0" * 8 + data


def image(size):
    h = bytearray(PAGE)
    h[0:2] = b"MZ"
    struct.pack_into("<I", h, 0x3C, 0x80)
    h[0x80:0x84] = b"PE\0\0"
    struct.pack_into("<HHI", h, 0x84, 0x8664, 1, 0x5C000000)
    struct.pack_into("<H", h, 0x98, 0x20B)
    struct.pack_into("<I", h, 0x98 + 56, size)
    struct.pack_into("<I", h, 0x98 + 108, 16)
    struct.pack_into("<II", h, 0x98 + 112 + 16, 0x5000, 0x400)
    return bytes(h)


def names():
    return ["ntoskrnl.exe"] + ["driver%03d.sys" % i for i in range(1, DRIVERS)]


def base(i):
    return NT + i * DRIVER_STEP


def header(kind):
    h = bytearray(b"PAGE" * 0x800)
    h[0:8] = b"PAGEDU64"
    struct.pack_into("<II", h, 8, 15, 17763)
    struct.pack_into("<III", h, 0x30, 0x8664, 4, 0xD1)
    struct.pack_into("<QQQQ", h, 0x40, 0x28, 2, 0, base(7) + 0x1234)
    h[0x348:0x348 + 0x4D0] = bytes(0x4D0)
    struct.pack_into("<I", h, 0x348 + 0x30, 0x10001F)
    struct.pack_into("<H", h, 0x348 + 0x38, 0x10)
    struct.pack_into("<Q", h, 0x348 + 0x98, STACK + 0x100)
    struct.pack_into("<Q", h, 0x348 + 0xF8, NT + 0x1000)
    struct.pack_into("<I", h, 0xF98, kind)
    struct.pack_into("<Q", h, 0xFA8, 0x01D4A00000000000)
    struct.pack_into("<Q", h, 0x1030, 36_000_000_000)
    struct.pack_into("<I", h, 0x1048, 0)
    return h


def loader_list(g, head):
    for i, name in enumerate(names()):
        va = POOL + 0x200 * i
        e = bytearray(0x200)
        following = POOL + 0x200 * (i + 1) if i + 1 < DRIVERS else head
        previous = POOL + 0x200 * (i - 1) if i > 0 else head
        wide = name.encode("utf-16le")
        struct.pack_into("<QQ", e, 0, following, previous)
        struct.pack_into("<QQI", e, 0x30, base(i), base(i) + 0x1000, 0x8000)
        struct.pack_into("<HHIQ", e, 0x58, len(wide), len(wide), 0, va + 0x100)
        e[0x100:0x100 + len(wide)] = wide
        g.write(va, bytes(e))
    g.write(head, struct.pack("<QQ", POOL, POOL + 0x200 * (DRIVERS - 1)))


def write_kernel_dump(path, gigabytes):
    g = Guest(gigabytes)
    for i in range(DRIVERS):
        g.write(base(i), image(0x8000))
        g.write(base(i) + 0x5000, version_resource(0x5000))
    loader_list(g, NT + 0x7000)
    stack = bytearray(0x4000)
    for at in range(0x100, 0x4000, 0x40):
        struct.pack_into("<Q", stack, at, base(at // 0x40 % DRIVERS) + 0x1235)
    g.write(STACK, bytes(stack))
    h = header(6)
    struct.pack_into("<Q", h, 0x10, g.root * PAGE)
    struct.pack_into("<QQ", h, 0x20, NT + 0x7000, NT + 0x7100)
    struct.pack_into("<Q", h, 0x80, 0)
    bits = g.total
    first = (0x2038 + bits // 8 + PAGE - 1) // PAGE * PAGE
    with open(path, "wb") as f:
        f.write(h)
        f.write(b"SDMPDUMP" + bytes(24) + struct.pack("<QQQ", first, bits, bits))
        for _ in range(bits // 8 // PAGE):
            f.write(b"\xFF" * PAGE)
        for pfn, data in g.frames.items():
            f.seek(first + pfn * PAGE)
            f.write(data)
        f.truncate(first + bits * PAGE)


def write_minidump(path):
    body = bytearray(0x80)
    stack = bytearray(0x2000)
    for at in range(0, 0x2000, 0x40):
        struct.pack_into("<Q", stack, at, base(at // 0x40 % DRIVERS) + 0x1235)
    at = 0x2080
    struct.pack_into("<II", body, 0x28, at, len(stack))
    struct.pack_into("<Q", body, 0x48, STACK + 0x100)
    drivers = at + len(stack)
    struct.pack_into("<II", body, 0x30, drivers, DRIVERS)
    table, strings = bytearray(), bytearray()
    for i, name in enumerate(names()):
        e = bytearray(0x90)
        struct.pack_into("<I", e, 0, drivers + 0x90 * DRIVERS + len(strings))
        struct.pack_into("<Q", e, 0x38, base(i))
        struct.pack_into("<I", e, 0x48, 0x8000)
        table += e
        wide = name.encode("utf-16le")
        strings += struct.pack("<I", len(wide) // 2) + wide + b"\0\0"
        strings += bytes(-len(strings) % 8)
    blocks = drivers + len(table) + len(strings)
    count = 200
    struct.pack_into("<II", body, 0x78, blocks, count)
    data = blocks + 16 * count
    block = b"".join(struct.pack("<QII", POOL + i * PAGE, data + i * PAGE, PAGE) for i in range(count))
    end = data + count * PAGE
    struct.pack_into("<II", body, 4, end + 4, end)
    with open(path, "wb") as f:
        f.write(header(4) + body + stack + table + strings + block + bytes(count * PAGE) + b"TRGD")


def high_mark(pid):
    try:
        with open("/proc/%d/status" % pid) as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def timed(command):
    """Seconds and output; and the memory of a second run, held up at its end by a full pipe."""
    start = time.perf_counter()
    p = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    seconds = time.perf_counter() - start
    if p.returncode != 0:
        sys.exit("%s failed" % " ".join(command))
    q = subprocess.Popen(command, stdout=subprocess.PIPE)
    rss = 0
    while q.poll() is None:
        rss = max(rss, high_mark(q.pid))
        if rss and time.perf_counter() - start > 0.5:
            q.stdout.read()
    q.stdout.close()
    return seconds, rss, p.stdout


def run(program, path):
    """The medians of what varies, and what does not."""
    seconds, reading, memory = [], [], []
    for _ in range(RUNS):
        took, rss, out = timed([program, "triage", "--json", path])
        verdict = json.loads(out)
        seconds.append(took)
        reading.append(verdict["dump"]["elapsed_ms"])
        memory.append(rss)
    return (statistics.median(seconds), statistics.median(reading), max(memory), verdict["dump"]["bytes_read"],
            len(verdict["drivers"]), verdict["culprit"]["name"])


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "build/hvagent"
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
        dumps = [("minidump", os.path.join(folder, "mini.dmp"))]
        write_minidump(dumps[0][1])
        for gigabytes in (1, 16, 64):
            dumps.append(("kernel %d GB" % gigabytes, os.path.join(folder, "%d.dmp" % gigabytes)))
            write_kernel_dump(dumps[-1][1], gigabytes)
        for name, path in dumps:
            seconds, reading, rss, read, drivers, culprit = run(program, path)
            print("triage dump=%-14s ms=%.1f reading_ms=%.2f rss_mb=%s read_mb=%.2f drivers=%d culprit=%s" % (
                '"%s"' % name, seconds * 1e3, reading, "%.1f" % (rss / 1024) if rss else "unseen", read / 1e6, drivers,
                culprit))
    return 0


if __name__ == "__main__":
    sys.exit(main())
