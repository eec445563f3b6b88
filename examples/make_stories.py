#!/usr/bin/env python3
"""Writes the three stories: captures of invented hosts on which a guest crashed,
as administrators have met them.

    examples/make_stories.py [DIR]      default: the folder of this script

  storvsc-live-migration           0xD1 in storvsc.sys right after a live migration
  pagefile-integration-services    0x7A twice, with old integration services and dynamic memory
  storage-outage                   guests of a Hyper-V host and of an ESXi host, one outage

Deterministic: the same files, byte for byte, on every run; a test compares them
with the ones in the tree.
"""
import calendar
import os
import sys
import time

sys.dont_write_bytecode = True  # nothing is left beside the bundles
from capture import (WS2008R2, WS2012R2, WS2019, Guest, VERSIONS_OLD, array, crash, data, event, instance,
                     integration, prop, put, slow_io, vm_id, vmms, worker, write_events, write_host, write_kvp)
from small_dump import Driver, small_dump

SETTING, RESOURCE = "Microsoft:{}\\{}", "Msvm_ResourceAllocationSettingData"


def unix_ns(text):
    """"2026-02-11T02:10:34.5" as nanoseconds."""
    whole, _, part = text.partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int((part or "0").ljust(9, "0")[:9])


# ---- how a guest is set up -------------------------------------------------

def path_to(instance_id):
    return f'\\\\HOST\\root\\virtualization\\v2:{RESOURCE}.InstanceID="{instance_id}"'.replace(
        instance_id, instance_id.replace("\\", "\\\\"))


def resource(class_name, instance_id, sub_type, *more):
    return instance(class_name, prop("InstanceID", instance_id),
                    prop("ResourceSubType", "Microsoft:Hyper-V:" + sub_type), *more)


def disk(guid, controller, location, path, kind):
    """One virtual disk: its drive, the file, and what kind of file it is (2 fixed, 3 dynamic)."""
    top = SETTING.format(guid, f"controller-{controller}\\0")
    drive = SETTING.format(guid, f"controller-{controller}\\0\\{location}\\D")
    return {
        RESOURCE: resource(RESOURCE, drive, "Synthetic Disk Drive", prop("Parent", path_to(top)),
                           prop("AddressOnParent", location)),
        "Msvm_StorageAllocationSettingData": resource(
            "Msvm_StorageAllocationSettingData", drive + "\\L", "Virtual Hard Disk", prop("Parent", path_to(drive)),
            prop("AddressOnParent", 0), array("HostResource", [path], "string")),
        "Msvm_VirtualHardDiskSettingData": instance(
            "Msvm_VirtualHardDiskSettingData", prop("Path", path), prop("Type", kind, "uint16"),
            prop("Format", 3, "uint16"), prop("MaxInternalSize", 64 << 30, "uint64")),
    }


def setup(guest, memory, usage, disks, generation=1):
    """The classes of one guest.  memory: startup, minimum, maximum MiB, or one figure when it is static;
    usage: assigned MiB, percent available (negative: short of)."""
    guid, name, classes = guest.id, guest.name, {}
    guest.usage = usage

    def add(texts):
        for class_name, text in texts.items():
            classes[class_name] = classes.get(class_name, "") + text

    dynamic = len(memory) == 3
    add({"Msvm_VirtualSystemSettingData": instance(
        "Msvm_VirtualSystemSettingData", prop("InstanceID", "Microsoft:" + guid), prop("ElementName", name),
        prop("VirtualSystemIdentifier", guid), prop("VirtualSystemType", "Microsoft:Hyper-V:System:Realized"),
        prop("VirtualSystemSubType", f"Microsoft:Hyper-V:SubType:{generation}"))})
    add({"Msvm_MemorySettingData": instance(
        "Msvm_MemorySettingData", prop("InstanceID", SETTING.format(guid, "4764334d-e001-4176-82ee-5594ec9b530e")),
        prop("DynamicMemoryEnabled", "TRUE" if dynamic else "FALSE", "boolean"),
        prop("VirtualQuantity", memory[0], "uint64"), prop("Reservation", memory[1] if dynamic else memory[0], "uint64"),
        prop("Limit", memory[2] if dynamic else memory[0], "uint64"), prop("TargetMemoryBuffer", 20, "uint32"),
        prop("Weight", 5000, "uint32"))})
    add({"Msvm_ProcessorSettingData": instance(
        "Msvm_ProcessorSettingData", prop("InstanceID", SETTING.format(guid, "b637f346-6a0e-4dec-af52-bd70cb80a21d\\0")),
        prop("VirtualQuantity", 4, "uint64"))})
    for controller, words in (("IDE", "Emulated IDE Controller"), ("SCSI", "Synthetic SCSI Controller")):
        add({RESOURCE: resource(RESOURCE, SETTING.format(guid, f"controller-{controller}\\0"), words,
                                prop("Address", 0))})
    for d in disks:
        add(disk(guid, *d))
    return classes


def together(*parts):
    classes = {}
    for part in parts:
        for class_name, text in part.items():
            classes[class_name] = classes.get(class_name, "") + text
    return classes


# ---- storvsc.sys and a live migration ---------------------------------------

# What a 2008 R2 guest has loaded, as far as the story needs it.
STORVSC = 0xFFFFF88001A3F000
DRIVERS_2008R2 = [
    Driver("ntoskrnl.exe", 0xFFFFF80002610000, 0x5EA000, 0x4CE7951A),
    Driver("hal.dll", 0xFFFFF80002BFA000, 0x49000, 0x4CE7C669),
    Driver("vmbus.sys", 0xFFFFF88001000000, 0x36000, 0x4CE79246),
    Driver("storvsc.sys", STORVSC, 0xB000, 0x4CE7950C),
    Driver("storport.sys", 0xFFFFF88001A4A000, 0x63000, 0x4CE7A4C6),
    Driver("netvsc60.sys", 0xFFFFF88001100000, 0x18000, 0x4CE79237),
]


def storvsc_live_migration(out):
    guest, boot = "BILLING01", "2026-01-19T02:30:00Z"
    crashed, params = "2026-02-11T02:10:33.9120000Z", (0x28, 0x2, 0x0, STORVSC + 0x2B8)
    dumped = unix_ns("2026-02-11T02:10:34.4050000")
    disks = [("IDE", 0, "C:\\ClusterStorage\\Volume1\\BILLING01\\system.vhdx", 2),
             ("SCSI", 0, "C:\\ClusterStorage\\Volume1\\BILLING01\\data1.vhdx", 3),
             ("SCSI", 1, "C:\\ClusterStorage\\Volume1\\BILLING01\\data2.vhdx", 3)]
    on = Guest(guest, "", WS2008R2, "6.1.7601", "6.3.9600.18692")
    config = setup(on, (8192,), (8192, 41), disks)
    facts = ("PROD-C", "6.3.9600.20778", "6.3.9600.18692", "6.3.9600.18339", boot, "2026-02-11T08:00:00Z")

    source = os.path.join(out, "HV31")
    write_host(source, "HV31", *facts)
    write_events(source, "HV31", 51870, [
        worker("2026-01-19T03:02:00.1150000Z", 18500, 4, guest),
        integration("2026-01-19T03:02:51.4410000Z", "", 4020, 4, guest),
        integration("2026-01-19T03:02:51.6230000Z", "-KvpExchange", 4020, 4, guest),
        vmms("2026-02-11T02:09:41.5540000Z", 20413, guest, "HV32"),
        vmms("2026-02-11T02:10:32.8790000Z", 20415, guest, "1.6"),
    ])
    write_kvp(source, "HV31", [on], 0, "20260210T200000Z", config)
    write_kvp(source, "HV31", [], 0, "20260211T080000Z")

    target = os.path.join(out, "HV32")
    write_host(target, "HV32", *facts)
    write_events(target, "HV32", 49311, [
        vmms("2026-02-11T02:10:32.9610000Z", 20418, guest, "10.20.30.31"),
        crash(crashed, guest, "0xd1", *(hex(p) for p in params)),
        worker("2026-02-11T02:10:36.0020000Z", 18514, 4, guest),
        integration("2026-02-11T02:11:40.2210000Z", "", 4020, 4, guest),
    ])
    write_kvp(target, "HV32", [], 0, "20260210T200000Z")
    write_kvp(target, "HV32", [on], 0, "20260211T080000Z", config)
    put_bytes(os.path.join(target, "dumps", guest, "021126-31200-01.dmp"),
              small_dump(7601, 4, 0xD1, params, dumped, 1_984_100, DRIVERS_2008R2))


# ---- a page that came back wrong, and old integration services ---------------

def pagefile_integration_services(out):
    guest, other = "PAYROLL01", "FILE31"
    folder = os.path.join(out, "HV33")
    facts = ("PROD-C", "6.3.9600.20778", "6.3.9600.18692", "6.3.9600.18339", "2026-01-19T02:41:00Z",
             "2026-03-04T08:00:00Z")
    old = Guest(guest, "", WS2008R2, "6.1.7601", "6.1.7601.17514", status=(2, 32775), kvp_status=(3, 32775))
    good = Guest(other, "", WS2012R2, "6.3.9600", "6.3.9600.18692")
    disks = [("IDE", 0, "D:\\VMs\\PAYROLL01\\system.vhdx", 2)]
    plain = setup(good, (4096,), (4096, 37), [("SCSI", 0, "D:\\VMs\\FILE31\\system.vhdx", 2)], generation=2)
    page = ("0xfffff6fc40012a58", "0xffffffffc0000185", "0x3c1f5860", "0xfffff8800254b000")
    again = ("0xfffff6fc40028d10", "0xffffffffc0000185", "0x21a0c880", "0xfffff880051a2000")

    write_host(folder, "HV33", *facts)
    write_events(folder, "HV33", 60022, [
        worker("2026-02-27T19:40:10.5510000Z", 18500, 4, other),
        integration("2026-02-27T19:40:58.1110000Z", "", 4020, 4, other),
        worker("2026-03-02T06:12:03.7710000Z", 18500, 4, guest),
        integration("2026-03-02T06:12:39.2210000Z", "-KvpExchange", 4010, 3, guest, *VERSIONS_OLD),
        integration("2026-03-02T06:12:39.2540000Z", "-Shutdown", 4010, 3, guest, *VERSIONS_OLD),
        crash("2026-03-02T14:21:07.0210000Z", guest, "0x7a", *page),
        worker("2026-03-02T14:21:09.4470000Z", 18514, 4, guest),
        integration("2026-03-02T14:22:20.9910000Z", "-KvpExchange", 4010, 3, guest, *VERSIONS_OLD),
        worker("2026-03-02T16:30:00.1010000Z", 18502, 4, guest),
        worker("2026-03-02T16:41:12.3380000Z", 18500, 4, guest),
        integration("2026-03-02T16:41:50.0170000Z", "-KvpExchange", 4010, 3, guest, *VERSIONS_OLD),
        crash("2026-03-03T15:02:44.7380000Z", guest, "0x7a", *again),
        worker("2026-03-03T15:02:47.1090000Z", 18514, 4, guest),
        integration("2026-03-03T15:03:58.6640000Z", "-KvpExchange", 4010, 3, guest, *VERSIONS_OLD),
    ])
    small, larger = ((2048, 1024, 4096), (4096, -31)), ((4096, 2048, 16384), (12288, -22))
    for stamp, memory in (("20260302T080000Z", small), ("20260303T080000Z", larger), ("20260304T080000Z", larger)):
        write_kvp(folder, "HV33", [old, good], 0, stamp, together(setup(old, *memory, disks), plain))


# ---- one storage outage, two hypervisors --------------------------------------

CLUSTERING = "Microsoft-Windows-FailoverClustering"
ESX_VM = "56 4d 31 0c 5a 77 42 1e-9b 60 d4 2f 11 ce 08 a3"


def paused_csv(time, volume):
    """5120: the node lost its way to a cluster shared volume."""
    return event(time, CLUSTERING, 5120, 2, "System",
                 data(volume, "Cluster Disk 4", "STATUS_CONNECTION_DISCONNECTED(c000020c)",
                      names=["VolumeName", "ResourceName", "ErrorCode"]))


def storage_outage(out):
    hyperv_host(os.path.join(out, "HV41"))
    esxi_host(os.path.join(out, "ESX41"))


def hyperv_host(folder):
    facts = ("PROD-D", "10.0.17763.5329", None, None, "2026-01-05T02:10:00Z", "2026-02-19T08:00:00Z")
    guests = [Guest(name, "", WS2019, "10.0.17763", "10.0.17763.5329") for name in ("ERP41", "MAIL41", "WEB41")]
    path = "C:\\ClusterStorage\\Volume4\\{}\\disk0.vhdx"
    config = together(*(setup(g, (16384,), (16384, 30), [("SCSI", 0, path.format(g.name), 3)], generation=2)
                        for g in guests))

    write_host(folder, "HV41", *facts)
    write_events(folder, "HV41", 120417, [
        *(worker(f"2026-01-05T02:4{i}:10.2010000Z", 18500, 4, g.name) for i, g in enumerate(guests)),
        paused_csv("2026-02-18T23:14:02.1170000Z", "Volume4"),
        slow_io("2026-02-18T23:14:58.6020000Z", path.format("ERP41"), 61004),
        slow_io("2026-02-18T23:15:31.2270000Z", path.format("MAIL41"), 92310),
        slow_io("2026-02-18T23:16:12.8810000Z", path.format("ERP41"), 131870),
        crash("2026-02-18T23:16:20.4490000Z", "ERP41", "0x7a", "0xffffe08f1a2b3c40", "0xffffffffc000000e",
              "0x1d2f4a860", "0xffffbb8012345000"),
        worker("2026-02-18T23:16:22.0020000Z", 18514, 4, "ERP41"),
        crash("2026-02-18T23:16:41.0170000Z", "MAIL41", "0xf4", "0x3", "0xffffe08f22334080", "0xffffe08f223345c0",
              "0xfffff80571c2a9e0"),
        worker("2026-02-18T23:16:43.5530000Z", 18514, 4, "MAIL41"),
    ])
    write_kvp(folder, "HV41", guests, 0, "20260218T200000Z", config)
    write_kvp(folder, "HV41", guests, 0, "20260219T080000Z", config)


def esxi_host(folder):
    """The same array under an ESXi host, whose logs have lines of their own shape (docs/esxi.md)."""
    vm, store = "CRM41", "GOLD-4"
    device = "naa.600508b1001c4d3a"
    put(os.path.join(folder, "host.yaml"), "name: ESX41\nos_version: VMware ESXi 7.0.3\n"
        "boot_time: 2026-01-12T04:00:00Z\ncaptured_at: 2026-02-19T08:00:00Z\n")
    put(os.path.join(folder, "esxi", "vobd.log"), "".join((
        f"2026-02-18T23:14:01.075Z: [APDCorrelator] 3212041075331us: [esx.problem.storage.apd.start] Device or filesystem "
        f"with identifier [{device}] has entered the All Paths Down state.\n",
        f"2026-02-18T23:16:21.083Z: [APDCorrelator] 3212181083409us: [esx.problem.storage.apd.timeout] Device or filesystem "
        f"with identifier [{device}] has entered the All Paths Down Timeout state after being in the All Paths Down state "
        "for 140 seconds. I/Os will now be fast failed.\n",
        f"2026-02-18T23:18:40.512Z: [APDCorrelator] 3212320512114us: [esx.clear.storage.apd.exit] Device or filesystem "
        f"with identifier [{device}] has exited the All Paths Down state.\n")))
    put(os.path.join(folder, "esxi", "vmkernel.log"), "".join((
        "2026-02-18T23:13:58.204Z cpu2:2098004)ScsiDeviceIO: 4124: Cmd(0x45b9c0) 0x2a, cmdId.initiator=0x4304\n",
        f"2026-02-18T23:14:12.783Z cpu3:2097411)HBX: 2956: '{store}': HB at offset 3735552 - Waiting for timed out HB:\n")))
    put(os.path.join(folder, "esxi", "hostd.log"), "".join((
        "2026-02-18T23:13:40.001Z info hostd[2104418] [Originator@6876 sub=Vimsvc.TaskManager] Task Created\n",
        "2026-02-18T23:16:23.250Z warning hostd[2104418] [Originator@6876 sub=IoTracker] In thread 2927571, "
        f"fopen(\"/vmfs/volumes/{store}/{vm}/{vm}.vmx\") took over 140 sec.\n",
        "2026-02-18T23:16:35.002Z info hostd[2104418]: Guest operating system crash detected.\n")))
    registers = ("0x7a", "0xffffd30a5c1b2a70", "0xffffffffc000000e", "0x2a11f4860", "0xfffff80423c51000")
    lines = [f'2026-01-12T04:20:00.101Z In(05) vmx - DICT              displayName = "{vm}"',
             f'2026-01-12T04:20:00.101Z In(05) vmx - DICT                uuid.bios = "{ESX_VM}"',
             "2026-01-12T04:20:00.404Z In(05) vmx - Hostname=ESX41.corp.example.net"]
    lines += [f"2026-02-18T23:16:34.7{i}0Z Wa(03) vcpu-1 - WinBSOD: Synthetic MSR[0x4000010{i}] {value}"
              for i, value in enumerate(registers)]
    put(os.path.join(folder, "esxi", vm, "vmware.log"), "\n".join(lines) + "\n")


def put_bytes(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(content)


STORIES = {
    "storvsc-live-migration": storvsc_live_migration,
    "pagefile-integration-services": pagefile_integration_services,
    "storage-outage": storage_outage,
}


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    for name, write in STORIES.items():
        write(os.path.join(out, name))


if __name__ == "__main__":
    main()
