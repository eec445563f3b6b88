"""A small kernel dump (a minidump of the 64-bit kernel) of an invented crash.

Layout: dumps.md 1.1 (header of 0x2000 bytes) and 1.9 (the triage part behind
it): what a dump needs so that code, parameters, time, drivers and the module at
fault can be read, and nothing else.
"""
import struct

HEADER, PART, DRIVER = 0x2000, 0x88, 0x90
FILETIME_EPOCH = 116444736000000000


class Driver:
    def __init__(self, name, base, size, stamp):
        self.name, self.base, self.size, self.stamp = name, base, size, stamp


def _put(image, offset, fmt, *values):
    struct.pack_into("<" + fmt, image, offset, *values)


def _header(image, build, processors, code, params, unix_ns, uptime_s, total):
    image[0:8] = b"PAGEDU64"
    _put(image, 0x08, "II", 15, build)
    _put(image, 0x10, "QQQQ", 0x187000, 0xFFFFFA8000000000, 0xFFFFF80002850E90, 0xFFFFF80002832BB0)
    _put(image, 0x30, "III", 0x8664, processors, code)
    _put(image, 0x40, "QQQQ", *params)
    _put(image, 0xF98, "I", 4)                                   # a minidump
    _put(image, 0xFA0, "Q", total)
    _put(image, 0xFA8, "Q", unix_ns // 100 + FILETIME_EPOCH)
    _put(image, 0x1030, "Q", uptime_s * 10_000_000)
    _put(image, 0x1038, "I", 0xD8E)
    _put(image, 0x1040, "II", 3, 0x110)                          # a server


def small_dump(build, processors, code, params, unix_ns, uptime_s, drivers):
    """The bytes.  drivers: those that were loaded; the crash's address tells which is at fault."""
    names, strings = [], b""
    pool = HEADER + PART + DRIVER * len(drivers)
    for d in drivers:
        names.append(pool + len(strings))
        text = ("\\SystemRoot\\system32\\DRIVERS\\" + d.name).encode("utf-16-le")
        strings += struct.pack("<I", len(text) // 2) + text + b"\0\0"
        strings += b"\0" * (-len(strings) % 8)
    total = pool + len(strings) + 4
    image = bytearray(b"PAGE" * (HEADER // 4)) + bytearray(total - HEADER)
    _header(image, build, processors, code, params, unix_ns, uptime_s, total)
    _put(image, HEADER, "IIII", 0, total, total - 4, 0)          # service pack, size, where it ends
    _put(image, HEADER + 0x30, "IIII", HEADER + PART, len(drivers), pool, len(strings))
    for i, d in enumerate(drivers):
        at = HEADER + PART + DRIVER * i
        _put(image, at, "I", names[i])
        _put(image, at + 0x38, "Q", d.base)
        _put(image, at + 0x48, "I", d.size)
        _put(image, at + 0x88, "I", d.stamp)
    image[pool:pool + len(strings)] = strings
    image[total - 4:total] = b"TRGD"
    return bytes(image)
