"""How captures of invented hosts are written (docs/bundle.md describes the format).

Event XML is as Event Viewer saves it, class files as WMI's GetText prints them,
with the exchange items as XML inside XML.  Deterministic: the same calls give
the same files, byte for byte.
"""
import os
import uuid
from xml.sax.saxutils import escape

EVENT_NS = "http://schemas.microsoft.com/win/2004/08/events/event"
VM_NS = "http://www.microsoft.com/Windows/Virtualization/Events"

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
        self.usage = None                          # of memory: assigned MiB, percent available (negative: short of)
        self.id = vm_id(name)


def vm_id(name):
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name + ".example.net")).upper()


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


def write_events(folder, host, record, items):
    """One file a channel; record: the number of the first event."""
    channels = {}
    for item in sorted(items):
        channels.setdefault(item[4], []).append(item)
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


def memory_in_use(g):
    if g.usage is None:
        return []
    assigned, available = g.usage
    return [prop("MemoryUsage", assigned, "uint64"), prop("MemoryAvailable", available, "sint32"),
            prop("AvailableMemoryBuffer", available * 5 if available > 0 else available, "sint32")]


def write_kvp(folder, host, guests, day, stamp, more=None):
    """Each guest as it was on that day; more: further classes, name to text."""
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
            prop("Name", g.id), *memory_in_use(g)))
    for name, text in (more or {}).items():
        add(name, text)
    for name, text in classes.items():
        put(os.path.join(folder, "kvp", f"{name}.{stamp}.xml"), text)


# ---- a bundle -------------------------------------------------------------

def write_host(folder, host, cluster, os_version, win6x, win5x, boot, captured):
    lines = [f"name: {host}"] + ([f"cluster: {cluster}"] if cluster else []) + [f"os_version: {os_version}"]
    if win6x:
        lines.append(f"is_version: {{win6x: {win6x}, win5x: {win5x}}}")
    lines += [f"boot_time: {boot}", f"captured_at: {captured}"]
    put(os.path.join(folder, "host.yaml"), "\n".join(lines) + "\n")


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        f.write(text)
