/* How the virtual machines of a host are set up: one answer of the classes of
 * wmi_setup_classes, joined by VM.
 *
 * Facts (Microsoft's pages on the classes of root\virtualization\v2):
 *
 *   Msvm_VirtualSystemSettingData    VirtualSystemType is Microsoft:Hyper-V:System:Realized for a VM,
 *                                    ...:Snapshot:Realized for a checkpoint; VirtualSystemIdentifier
 *                                    is the VM's GUID for both; VirtualSystemSubType ...:SubType:1 or 2 is
 *                                    the generation
 *   Msvm_MemorySettingData           VirtualQuantity (at startup), Reservation (minimum), Limit
 *                                    (maximum) in MiB; DynamicMemoryEnabled, TargetMemoryBuffer, Weight
 *   Msvm_ProcessorSettingData        VirtualQuantity
 *   Msvm_ResourceAllocationSettingData  controllers and drives, by ResourceSubType
 *   Msvm_StorageAllocationSettingData   disks: HostResource is the file, Parent the drive
 *   Msvm_SummaryInformation          MemoryUsage (MiB), MemoryAvailable and AvailableMemoryBuffer (percent)
 *   Msvm_VirtualHardDiskSettingData  Path, Type (2 fixed, 3 dynamic, 4 differencing), Format (2 VHD, 3 VHDX),
 *                                    MaxInternalSize: no instances on a host, where ImageManagementService
 *                                    answers them; in captures
 *
 * Deduced, and to be looked at on a real host: that InstanceID begins with "Microsoft:" and the
 * GUID of the VM (of the checkpoint, for a checkpoint's settings), and that Parent ends in
 * InstanceID="..." with doubled backslashes; both are what public scripts rely on.  That a negative
 * MemoryAvailable is what is short, so that demand is assigned * (100 - available) / 100.  The first
 * namespace (2008 R2): SystemName, SettingType 3 and 5, Connection for the file, sub types without
 * the second "Hyper-V:"; from memory, not verified.
 *
 * Everything in it may be a guest's or anybody's word: numbers have ranges, texts are made
 * printable, chains are three links long at most, and all is bounded.
 */
#ifndef COLLECTORS_SETUP_POLL_H
#define COLLECTORS_SETUP_POLL_H

#include "base/arena.h"
#include "base/error.h"
#include "collectors/cim_xml.h"
#include "model/guest_config.h"
#include "model/identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SETUP_ROWS_MAX = 200000, /* instances that are kept of one poll, of all classes */
    SETUP_PATH_MAX = 1024,   /* bytes of a disk's path; a longer one is cut */
    SETUP_POLL_MAX = 64 * 1024 * 1024,
    SETUP_PROBLEMS_MAX = 8,
    SETUP_PROBLEM_MAX = 256,
};

struct setup_disk {
    const char *path; /* printable; "" not known */
    enum disk_controller controller;
    enum disk_kind kind;
    int number, location; /* of the controller, on it; -1 not known */
    const char *format;   /* "vhd", "vhdx", "" not known */
    uint64_t size;        /* bytes the guest sees; 0 not known */
};

/* One controller, drive or disk, or what a file is said to be. */
enum setup_row_kind { SETUP_CONTROLLER, SETUP_DRIVE, SETUP_DISK, SETUP_FILE };

struct setup_row {
    const char *id;     /* InstanceID; the path of a file */
    const char *parent; /* the InstanceID in Parent; "" none */
    enum setup_row_kind kind;
    char vm_id[GUID_TEXT_MAX]; /* in InstanceID: a VM, or a checkpoint */
    struct setup_disk disk;    /* as far as this row knows */
};

struct setup_vm {
    char id[GUID_TEXT_MAX];
    const char *name; /* "" not known */
    bool realized;    /* a VM of this host, and no checkpoint and no plan */
    bool has_memory, has_summary;
    int generation;  /* 0 not known */
    int processors;  /* 0 not known */
    int checkpoints; /* counted with the VMs */
    enum memory_kind memory;
    int64_t startup_mib, minimum_mib, maximum_mib, weight; /* -1 not known */
    int64_t buffer_percent;                                /* -1 not known */
    int64_t assigned_mib;                                  /* 0: not running, or not known */
    bool has_available;                                    /* whether the next two are */
    int64_t available_percent, available_buffer_percent;
    size_t order;             /* in which the instances came */
    struct setup_disk *disks; /* in order of controller, number, location; when the poll is finished */
    int disk_count;
};

struct setup_poll {
    struct arena arena; /* everything the lists point at */
    struct setup_vm *vms;
    size_t count, cap;
    struct setup_row *rows;
    size_t row_count, row_cap;
    bool broken; /* something could not be read */
    char problems[SETUP_PROBLEMS_MAX][SETUP_PROBLEM_MAX];
    int problem_count;
    struct cim_parser *parser;
};

MUST_USE int setup_poll_init(struct setup_poll *p, struct err *e);
void setup_poll_reset(struct setup_poll *p);
void setup_poll_free(struct setup_poll *p);

/* Takes in one class's answer; place names it in problems. */
void setup_poll_take(struct setup_poll *p, const char *class_name, const char *xml, size_t len, const char *place);
void setup_poll_problem(struct setup_poll *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Joins and sorts: afterwards vms are the host's, by id.  Once.  (setup_join.c) */
void setup_poll_finish(struct setup_poll *p);

/* What is worth telling again: all of it, with memory in use to three binary digits only, because it
 * changes all the time. */
uint64_t setup_vm_hash(const struct setup_vm *vm);

/* The guest's need in MiB and in percent of what it has; false when they are not known. */
bool setup_vm_demand(const struct setup_vm *vm, int64_t *demand_mib, int64_t *pressure_percent);

#endif
