#!/usr/bin/env python3
"""Writes the example bundles: a three-node 2012 R2 cluster and a two-node 2022
cluster, as captures of invented hosts (docs/bundle.md describes the format).

    examples/make_bundles.py [DIR]      default: examples/bundles beside this script

Deterministic: the same files, byte for byte, on every run; a test compares them
with the ones in the tree.  Event XML is as Event Viewer saves it, class files
as WMI's GetText prints them, with the exchange items as XML inside XML.

What is in it, and the drift state each guest must end in, is the table GUESTS below and
the events that follow it.
"""
import os
import sys
import uuid
from xml.sax.saxutils import escape

EVENT_NS = "http://schemas.microsoft.com/win/2004/08/events/event"
VM_NS = "http://www.microsoft.com/Windows/Virtualization/Events"
DAY1, DAY2 = "20260130T080000Z", "20260131T080000Z"
BOOT_A, BOOT_B = "2026-01-04T03:12:00Z", "2026-01-11T02:40:00Z"

# name: (cluster, os_version, win6x, win5x, boot, first record id)
HOSTS = {
    "HV01": ("PROD-A", "6.3.9600.20778", "6.3.9600.18692", "6.3.9600.18339", BOOT_A, 41210),
    "HV02": ("PROD-A", "6.3.9600.20778", "6.3.9600.18692", "6.3.9600.18339", BOOT_A, 38877),
    "HV03": ("PROD-A", "6.3.9600.20778", "6.3.9600.18907", "6.3.9600.18339", BOOT_A, 29004),
    "HV21": ("PROD-B", "10.0.20348.2227", None, None, BOOT_B, 90412),
    "HV22": ("PROD-B", "10.0.20348.2227", None, None, BOOT_B, 77031),
}

WS2022 = "Windows Server 2022 Datacenter"
WS2019, WS2016 = "Windows Server 2019 Standard", "Windows Server 2016 Standard"
WS2012R2, WS2012 = "Windows Server 2012 R2 Standard", "Windows Server 2012 Standard"
WS2008R2, WS2008 = "Windows Server 2008 R2 Enterprise", "Windows Server 2008 Standard"
WS2003 = "Microsoft Windows Server 2003"


class Guest:
    """One VM as one host's captures show it."""

    def __init__(self, name, host, os_name="", os_version="", version="", kind="windows", power=(2, 2),
                 kvp_enabled=2, status=None, kvp_status=None, days=(True, True), expect=""):
        self.name, self.host, self.os_name, self.os_version = name, host, os_name, os_version
        self.version, self.kind, self.power, self.kvp_enabled = version, kind, power, kvp_enabled
        self.status = status or (2, 2)             # OperationalStatus of every service
        self.kvp_status = kvp_status or self.status  # and of Data Exchange
        self.days = days                           # in the first and the second capture
        self.expect = expect
        self.id = vm_id(name)


def vm_id(name):
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name + ".example.net")).upper()


GUESTS = [
    Guest("FILE01", "HV01", WS2012R2, "6.3.9600", "6.3.9600.18692", expect="current"),
    Guest("SQL01", "HV01", WS2012, "6.2.9200", "6.3.9600.17415", expect="behind"),
    Guest("APP01", "HV01", WS2008R2, "6.1.7601", "6.3.9600.16384", kvp_status=(3, 32775), expect="behind-protocol"),
    Guest("WEB01", "HV01", "Ubuntu", "5.15.0", "3.1", kind="linux", kvp_status=(3, 32775), expect="not-applicable"),
    Guest("MAIL01", "HV01", WS2012R2, "6.3.9600", "6.3.9600.18692", days=(True, False), expect="current"),
    Guest("MAIL01", "HV02", WS2012R2, "6.3.9600", "6.3.9600.18692", days=(False, True), expect="current"),
    Guest("PAY01", "HV02", WS2003, "5.2.3790", "6.3.9600.18339", expect="current"),
    Guest("OLD01", "HV02", WS2008, "6.0.6002", "6.1.7601.17514", status=(7, 32775), expect="incompatible"),
    Guest("VAULT01", "HV02", power=(2, 2), kvp_enabled=3, kvp_status=(2, 2), expect="unknown"),
    Guest("EDGE01", "HV02", status=(12, 12), expect="unknown"),
    Guest("FW01", "HV02", "FreeBSD", "13.2-RELEASE", "10.0.1", kind="bsd", expect="not-applicable"),
    Guest("PRINT01", "HV03", WS2012R2, "6.3.9600", "6.3.9600.18692", expect="behind"),
    Guest("NEW01", "HV03", WS2016, "10.0.14393", "10.0.14393.2097", expect="newer-than-host"),
    Guest("TEST01", "HV03", WS2012R2, "6.3.9600", "6.3.9600.18907", power=(2, 3), expect="current"),
    Guest("COLD01", "HV03", power=(3, 3), expect="unknown"),
    Guest("WEB21", "HV21", WS2022, "10.0.20348", "10.0.20348.2227", expect="current"),
    Guest("WEB22", "HV21", WS2022, "10.0.20348", "10.0.20348.2227", expect="current"),
    Guest("LEG21", "HV21", WS2012R2, "6.3.9600", "6.3.9600.18907", expect="current"),
    Guest("LEG22", "HV21", WS2008R2, "6.1.7601", "6.3.9600.18398", expect="behind"),
    Guest("K8S21", "HV21", "Rocky Linux", "5.14.0", "3.1", kind="linux", expect="not-applicable"),
    Guest("WEB23", "HV22", WS2022, "10.0.20348", "10.0.20348.1547", expect="inbox-behind-peers"),
    Guest("ERP21", "HV22", WS2019, "10.0.17763", "10.0.17763.5329", expect="current"),
    Guest("LEG23", "HV22", WS2012, "6.2.9200", "6.3.9600.18080", status=(2, 32775), expect="behind-protocol"),
    Guest("ARC21", "HV22", WS2008, "6.0.6002", "6.3.9600.18339", expect="behind"),
    Guest("DB21", "HV22", "Debian GNU/Linux", "6.1.0", "3.1", kind="linux", expect="not-applicable"),
]


# ---- events ---------------------------------------------------------------

WORKER = "Microsoft-Windows-Hyper-V-Worker"
VMMS = "Microsoft-Windows-Hyper-V-VMMS"
INTEGRATION = "Microsoft-Windows-Hyper-V-Integration"
STORVSP = "Microsoft-Windows-Hyper-V-StorageVSP"
PROVIDER_GUIDS = {
    WORKER: "{51ddfa29-d5c8-4803-be4b-2ecb715570fe}",
    VMMS: "{6066F867-7CA1-4418-85FD-36E3F9C0600C}",
    INTEGRATION: "{2B74A015-3873-4C56-9928-EA80C58B2787}",
    STORVSP: "{10B3D268-9782-49A4-AACC-A93C5482CB6F}",
}
VERSIONS_OLD = ("Negotiated (3.0) - Expected (3.0)", "Negotiated (4.0) - Expected (5.0)")
VERSIONS_NONE = ("Negotiated (0.0) - Expected (3.0)", "Negotiated (0.0) - Expected (5.0)")


def vm_fields(*values):
    """UserData as VMMS and most of the worker's events have it."""
    cells = "".join(f"<Parameter{i}>{escape(v)}</Parameter{i}>" for i, v in enumerate(values))
    return f'<UserData><VmlEventLog xmlns="{VM_NS}">{cells}</VmlEventLog></UserData>'


def named(*pairs):
    cells = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in pairs)
    return f'<UserData><VmlEventLog xmlns="{VM_NS}">{cells}</VmlEventLog></UserData>'


def data(*values, names=None):
    cells = []
    for i, value in enumerate(values):
        name = f' Name="{names[i]}"' if names else ""
        cells.append(f"<Data{name}>{escape(value)}</Data>")
    return "<EventData>" + "".join(cells) + "</EventData>"


def event(time, provider, number, level, channel, payload, vm=None):
    return (time, provider, number, level, channel, payload, vm)


def integration(time, suffix, number, level, name, *more):
    provider = INTEGRATION + suffix
    return event(time, provider, number, level, INTEGRATION + "-Admin", vm_fields(name, vm_id(name), *more))


def worker(time, number, level, name, *more):
    return event(time, WORKER, number, level, WORKER + "-Admin",
                 named(("VmName", name), ("VmId", vm_id(name)), *more), vm_id(name))


def vmms(time, number, name, *more):
    return event(time, VMMS, number, 4, VMMS + "-Admin", vm_fields(name, vm_id(name), *more))


def slow_io(time, path, ms):
    names = ["DeviceName", "Duration", "OperationCode", "TransferLength", "Status"]
    return event(time, STORVSP, 9, 3, STORVSP + "-Admin", data(path, str(ms), "42", "65536", "1", names=names))


def crash(time, name, *codes):
    cells = tuple((f"VmErrorCode{i}", code) for i, code in enumerate(codes))
    return worker(time, 18590, 1, name, *cells, ("VmErrorMessage", ""))


def retried_io(time):
    return event(time, "disk", 153, 3, "System",
                 data(r"\Device\Harddisk3\DR3", "0x1a2b3c4", "3", r"\Device\0000003a"))


EVENTS = {
    "HV01": [
        worker("2026-01-29T21:04:11.1180023Z", 18500, 4, "FILE01"),
        integration("2026-01-29T21:04:52.4410300Z", "", 4020, 4, "FILE01"),
        integration("2026-01-29T21:04:52.6230117Z", "-KvpExchange", 4020, 4, "FILE01"),
        worker("2026-01-29T21:10:40.0040001Z", 18500, 4, "SQL01"),
        worker("2026-01-29T21:12:03.7710420Z", 18500, 4, "APP01"),
        integration("2026-01-29T21:12:39.2210300Z", "-KvpExchange", 4010, 3, "APP01", *VERSIONS_OLD),
        integration("2026-01-29T21:12:39.2540911Z", "-Shutdown", 4010, 3, "APP01", *VERSIONS_OLD),
        worker("2026-01-29T21:15:00.3300450Z", 18500, 4, "WEB01"),
        integration("2026-01-29T21:15:21.0820400Z", "-KvpExchange", 4010, 3, "WEB01", *VERSIONS_OLD),
        worker("2026-01-29T21:20:10.0930007Z", 18500, 4, "MAIL01"),
        integration("2026-01-29T21:20:44.3010050Z", "", 4020, 4, "MAIL01"),
        vmms("2026-01-30T22:31:02.5540012Z", 20413, "MAIL01", "HV02"),
        vmms("2026-01-30T22:31:19.8790300Z", 20415, "MAIL01", "0.4"),
        crash("2026-01-31T02:17:33.4490120Z", "APP01", "0xd1", "0x28", "0x2", "0x0", "0xfffff88001a3f2b8"),
        worker("2026-01-31T02:17:36.0020333Z", 18514, 4, "APP01"),
        integration("2026-01-31T02:18:09.7140202Z", "-KvpExchange", 4010, 3, "APP01", *VERSIONS_OLD),
        retried_io("2026-01-31T02:16:58.1170000Z"),
        retried_io("2026-01-31T02:17:12.9080000Z"),
    ],
    "HV02": [
        worker("2026-01-29T22:01:07.4310000Z", 18500, 4, "PAY01"),
        integration("2026-01-29T22:01:55.9090330Z", "", 4020, 4, "PAY01"),
        worker("2026-01-29T22:05:30.8440100Z", 18500, 4, "OLD01"),
        integration("2026-01-29T22:06:41.1930000Z", "", 4000, 2, "OLD01", *VERSIONS_NONE),
        integration("2026-01-29T22:06:41.2010450Z", "-Shutdown", 4000, 2, "OLD01", *VERSIONS_NONE),
        worker("2026-01-29T22:09:16.3300700Z", 18500, 4, "VAULT01"),
        worker("2026-01-29T22:11:02.2090110Z", 18500, 4, "EDGE01"),
        integration("2026-01-29T22:14:30.0020080Z", "-KvpExchange", 4096, 2, "EDGE01"),
        worker("2026-01-29T22:15:44.8170220Z", 18500, 4, "FW01"),
        vmms("2026-01-30T22:31:19.9610400Z", 20418, "MAIL01", "10.20.30.11"),
        integration("2026-01-30T22:31:21.3380090Z", "", 4020, 4, "MAIL01"),
    ],
    "HV03": [
        worker("2026-01-29T23:02:09.5170000Z", 18500, 4, "PRINT01"),
        worker("2026-01-29T23:05:51.1200440Z", 18500, 4, "NEW01"),
        worker("2026-01-29T23:08:33.0960210Z", 18500, 4, "TEST01"),
        integration("2026-01-29T23:09:02.7710120Z", "", 4020, 4, "TEST01"),
        worker("2026-01-30T17:30:27.6640080Z", 18508, 4, "TEST01"),
    ],
    "HV21": [
        worker("2026-01-11T03:01:14.2010000Z", 18500, 4, "WEB21"),
        worker("2026-01-11T03:02:40.7730100Z", 18500, 4, "WEB22"),
        worker("2026-01-11T03:04:01.9080030Z", 18500, 4, "LEG21"),
        worker("2026-01-11T03:05:37.4410060Z", 18500, 4, "LEG22"),
        worker("2026-01-11T03:07:12.0350020Z", 18500, 4, "K8S21"),
        slow_io("2026-01-30T23:40:11.6020000Z", r"C:\ClusterStorage\Volume2\WEB22\disk0.vhdx", 21873),
        slow_io("2026-01-30T23:40:19.8810000Z", r"C:\ClusterStorage\Volume2\LEG21\disk0.vhdx", 30112),
        slow_io("2026-01-30T23:41:02.3390000Z", r"C:\ClusterStorage\Volume2\WEB22\disk0.vhdx", 44790),
    ],
    "HV22": [
        worker("2026-01-11T03:31:40.5520000Z", 18500, 4, "WEB23"),
        worker("2026-01-11T03:33:04.1180400Z", 18500, 4, "ERP21"),
        worker("2026-01-11T03:35:56.8390090Z", 18500, 4, "LEG23"),
        worker("2026-01-11T03:38:21.0070010Z", 18500, 4, "ARC21"),
        worker("2026-01-11T03:40:09.9410030Z", 18500, 4, "DB21"),
        slow_io("2026-01-30T23:40:13.2270000Z", r"C:\ClusterStorage\Volume2\ERP21\data.vhdx", 25604),
    ],
}


def vm_sid(guid):
    """NT VIRTUAL MACHINE\\GUID as a security identifier."""
    raw = uuid.UUID(guid).bytes_le
    parts = [int.from_bytes(raw[i:i + 4], "little") for i in range(0, 16, 4)]
    return "S-1-5-83-1-" + "-".join(str(p) for p in parts)


def event_xml(host, record, item):
    time, provider, number, level, channel, payload, vm = item
    guid = PROVIDER_GUIDS.get(provider)
    name = f'<Provider Name="{provider}"' + (f' Guid="{guid}"' if guid else "") + "/>"
    qualifiers = ' Qualifiers="32772"' if provider == "disk" else ""
    sid = vm_sid(vm) if vm else "S-1-5-18"
    return (f'<Event xmlns="{EVENT_NS}"><System>{name}<EventID{qualifiers}>{number}</EventID><Version>0</Version>'
            f"<Level>{level}</Level><Task>0</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords>"
            f'<TimeCreated SystemTime="{time}"/><EventRecordID>{record}</EventRecordID><Correlation/>'
            f'<Execution ProcessID="2412" ThreadID="6180"/><Channel>{channel}</Channel>'
            f'<Computer>{host}.corp.example.net</Computer><Security UserID="{sid}"/></System>{payload}</Event>')


def write_events(folder, host):
    channels = {}
    for item in sorted(EVENTS[host]):
        channels.setdefault(item[4], []).append(item)
    record = HOSTS[host][5]
    for channel in sorted(channels):
        lines = []
        for item in channels[channel]:
            lines.append(event_xml(host, record, item))
            record += 3
        text = '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<Events>' + "\n".join(lines) + "</Events>\n"
        put(os.path.join(folder, "events", channel.replace("/", "%4") + ".xml"), text)


# ---- WMI ------------------------------------------------------------------

def prop(name, value, kind="string"):
    cell = "" if value is None else f"<VALUE>{escape(str(value))}</VALUE>"
    return f'<PROPERTY NAME="{name}" TYPE="{kind}">{cell}</PROPERTY>\n'


def array(name, values, kind="uint16"):
    if values is None:
        return f'<PROPERTY.ARRAY NAME="{name}" TYPE="{kind}"></PROPERTY.ARRAY>\n'
    cells = "".join(f"<VALUE>{escape(str(v))}</VALUE>" for v in values)
    return f'<PROPERTY.ARRAY NAME="{name}" TYPE="{kind}"><VALUE.ARRAY>{cells}</VALUE.ARRAY></PROPERTY.ARRAY>\n'


def instance(class_name, *properties):
    return f'<INSTANCE CLASSNAME="{class_name}">\n' + "".join(properties) + "</INSTANCE>\n"


def item(name, value):
    return instance("Msvm_KvpExchangeDataItem",
                    '<PROPERTY NAME="Caption" PROPAGATED="true" TYPE="string"></PROPERTY>\n',
                    prop("Data", value),
                    '<PROPERTY NAME="Description" PROPAGATED="true" TYPE="string"></PROPERTY>\n',
                    '<PROPERTY NAME="ElementName" PROPAGATED="true" TYPE="string"></PROPERTY>\n',
                    prop("Name", name), prop("Source", 2, "uint16"))


def windows_items(g):
    major, minor, build = g.os_version.split(".")
    return [("FullyQualifiedDomainName", f"{g.name}.corp.example.net"), ("OSName", g.os_name),
            ("OSVersion", g.os_version), ("CSDVersion", ""), ("OSMajorVersion", major), ("OSMinorVersion", minor),
            ("OSBuildNumber", build), ("OSPlatformId", "2"), ("ServicePackMajor", "0"), ("ServicePackMinor", "0"),
            ("SuiteMask", "272"), ("ProductType", "3"), ("ProcessorArchitecture", "9"),
            ("IntegrationServicesVersion", g.version), ("NetworkAddressIPv4", address(g)), ("NetworkAddressIPv6", ""),
            ("RDPAddressIPv4", address(g)), ("RDPAddressIPv6", "")]


def linux_items(g):
    return [("FullyQualifiedDomainName", g.name.lower()), ("IntegrationServicesVersion", g.version),
            ("NetworkAddressIPv4", address(g)), ("NetworkAddressIPv6", ""),
            ("OSBuildNumber", g.os_version + ("-91-generic" if g.kind == "linux" else "")), ("OSName", g.os_name),
            ("OSMajorVersion", "22.04" if g.os_name == "Ubuntu" else ""), ("OSMinorVersion", ""),
            ("OSVersion", g.os_version), ("ProcessorArchitecture", "x86_64" if g.kind == "linux" else "amd64")]


def address(g):
    return f"10.20.{int(g.id[:2], 16)}.{int(g.id[2:4], 16)}"


def kvp_items(g, day):
    """None where the component gives nothing: off, disabled, nobody there."""
    if g.power[day] != 2 or g.kvp_enabled != 2 or not g.os_name:
        return None
    pairs = windows_items(g) if g.kind == "windows" else linux_items(g)
    return [item(name, value) for name, value in pairs]


COMPONENTS = ["Heartbeat", "Shutdown", "TimeSync", "Vss", "GuestServiceInterface", "Rdv"]


def component(class_name, g, day, status, enabled, *more):
    running = g.power[day] == 2
    return instance(class_name, prop("ElementName", class_name[5:].replace("Component", "")),
                    prop("EnabledState", enabled if running else 3, "uint16"), prop("SystemName", g.id),
                    array("OperationalStatus", status if running and enabled == 2 else None), *more)


def write_kvp(folder, host, day, stamp):
    guests = [g for g in GUESTS if g.host == host and g.days[day]]
    classes = {"Msvm_ComputerSystem": instance(
        "Msvm_ComputerSystem", prop("Caption", "Hosting Computer System"), prop("ElementName", host),
        prop("EnabledState", 2, "uint16"), prop("Name", host))}

    def add(name, text):
        classes[name] = classes.get(name, "") + text

    for g in guests:
        add("Msvm_ComputerSystem", instance(
            "Msvm_ComputerSystem", prop("Caption", "Virtual Machine"), prop("ElementName", g.name),
            prop("EnabledState", g.power[day], "uint16"), prop("Name", g.id)))
        add("Msvm_KvpExchangeComponent", component(
            "Msvm_KvpExchangeComponent", g, day, g.kvp_status, g.kvp_enabled,
            array("GuestIntrinsicExchangeItems", kvp_items(g, day), "string"),
            array("GuestExchangeItems", [], "string")))
        for c in COMPONENTS:
            add(f"Msvm_{c}Component", component(f"Msvm_{c}Component", g, day, g.status, 2))
        add("Msvm_SummaryInformation", instance(
            "Msvm_SummaryInformation", prop("ElementName", g.name),
            prop("IntegrationServicesVersionState", 2 if 32775 in g.kvp_status else (1 if g.os_name else 0), "uint16"),
            prop("Name", g.id)))
    for name, text in classes.items():
        put(os.path.join(folder, "kvp", f"{name}.{stamp}.xml"), text)


# ---- a bundle -------------------------------------------------------------

def write_host(folder, host):
    cluster, os_version, win6x, win5x, boot, _ = HOSTS[host]
    lines = [f"name: {host}", f"cluster: {cluster}", f"os_version: {os_version}"]
    if win6x:
        lines.append(f"is_version: {{win6x: {win6x}, win5x: {win5x}}}")
    lines += [f"boot_time: {boot}", "captured_at: 2026-01-31T08:00:00Z"]
    put(os.path.join(folder, "host.yaml"), "\n".join(lines) + "\n")


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        f.write(text)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "bundles")
    for host in HOSTS:
        folder = os.path.join(out, host)
        write_host(folder, host)
        write_events(folder, host)
        write_kvp(folder, host, 0, DAY1)
        write_kvp(folder, host, 1, DAY2)


if __name__ == "__main__":
    main()
