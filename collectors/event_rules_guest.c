/* Rules about guests: integration services, crashes, lifecycle, migration
 * (hyperv.md A.2, A.3, A.4).  In order of id within a list; see event_rules.h.
 *
 * Positions are those of the message templates of 2008 R2, 2012 R2 and build
 * 14393; a test compares each of them.  Ids that are newer, and were never seen
 * with their template, map the VM only, which must then be a GUID.
 */
#include "collectors/event_rules.h"

/* clang-format off */

#define LIST(rules) { rules, sizeof rules / sizeof rules[0] }

#define VM { 1, AS_VM_NAME, false, "VmName", NULL }, { 2, AS_VM_ID, false, "VmId", NULL }
#define TEXT(at, key) { at, AS_TEXT, false, NULL, key }
#define END { 0, 0, false, NULL, NULL }

static const struct event_use vm[] = { VM, END };
static const struct event_use vm_protocols[] = {
    VM, { 3, AS_FRAMEWORK, false, NULL, NULL }, { 4, AS_MESSAGE, false, NULL, NULL }, END };
static const struct event_use vm_versions[] = {
    VM, { 3, AS_VERSION, true, NULL, ATTR_INSTALLED_VERSION }, { 4, AS_VERSION, true, NULL, ATTR_UPGRADE_VERSION }, END };
static const struct event_use vm_device[] = {
    VM, TEXT(3, ATTR_IC_SERVICE), TEXT(4, ATTR_SERVER_VERSION), TEXT(5, ATTR_CLIENT_VERSION), END };
static const struct event_use vm_peer[] = { VM, TEXT(3, ATTR_MIGRATION_PEER), END };
static const struct event_use vm_blackout[] = { VM, { 3, AS_SECONDS, false, NULL, ATTR_MIGRATION_BLACKOUT }, END };
static const struct event_use vm_status[] = { VM, TEXT(3, ATTR_STATUS), END };
static const struct event_use vm_code[] = { VM, { 3, AS_CODE, false, NULL, ATTR_CRASH_CODE }, END };
static const struct event_use vm_disk[] = { VM, TEXT(3, ATTR_DEVICE), END };
static const struct event_use vm_name[] = { { 1, AS_VM_NAME, false, "VmName", NULL }, END };
static const struct event_use id_first[] = { { 1, AS_VM_ID, false, "VmId", NULL }, END };
static const struct event_use id_name[] = {
    { 1, AS_VM_ID, false, "VmId", NULL }, { 2, AS_VM_NAME, false, "VmName", NULL }, END };
static const struct event_use id_time_name[] = {
    { 1, AS_VM_ID, false, "VmId", NULL }, { 3, AS_VM_NAME, false, "VmName", NULL }, END };
static const struct event_use id_object[] = {
    { 1, AS_VM_ID, false, "VmId", NULL }, TEXT(2, ATTR_CLUSTER_OBJECT), END };
static const struct event_use id_time_object[] = {
    { 1, AS_VM_ID, false, "VmId", NULL }, TEXT(3, ATTR_CLUSTER_OBJECT), END };
static const struct event_use object[] = { TEXT(1, ATTR_CLUSTER_OBJECT), END };
static const struct event_use first_status[] = { TEXT(1, ATTR_STATUS), END };
static const struct event_use switch_port[] = {
    { 2, AS_VM_NAME, false, NULL, NULL }, { 4, AS_VM_ID, false, NULL, NULL }, TEXT(6, ATTR_SERVER_VERSION),
    TEXT(8, ATTR_CLIENT_VERSION), END };

#define RULE(i, on, k, s, w, ...) { .id = (i), .hosts = (on), .kind = OBS_##k, .severity = SEVERITY_##s, .word = (w), __VA_ARGS__ }

#define MISMATCH(i, on, s, w, ...) RULE(i, on, GUEST_VERSION_MISMATCH, s, w, __VA_ARGS__)
#define VERSION_OK(i, on, ...)     RULE(i, on, GUEST_VERSION_OK, INFO, NULL, __VA_ARGS__)
#define LIFE(i, on, s, w, ...)     RULE(i, on, GUEST_LIFECYCLE, s, w, __VA_ARGS__)
#define CRASH(i, on, s, w, ...)    RULE(i, on, GUEST_CRASH, s, w, __VA_ARGS__)
#define MIGRATION(i, on, s, w, ...) RULE(i, on, GUEST_MIGRATION, s, w, __VA_ARGS__)

/* ---- A.2: integration services ------------------------------------------ */

#define NO_PROTOCOL "{service} failed to connect to {vm}: host and guest have no protocol version in common" \
                    "[; framework {framework}][; message {message}]"
#define OLDER_PROTOCOL "{service} of {vm} runs with a protocol version that is not the host's" \
                       "[; framework {framework}][; message {message}]"

/* One provider a service, 2008 R2 to 2012 R2. */
#define OWN_PROVIDER(on)                                                                                           \
    MISMATCH(4000, on, ERROR, "ic-incompatible", .uses = vm_protocols, .body = NO_PROTOCOL),                       \
    MISMATCH(4010, on, WARN, "ic-compatible", .uses = vm_protocols, .body = OLDER_PROTOCOL),                       \
    VERSION_OK(4020, ON_2012, .uses = vm, .body = "{service} of {vm} runs with the host's newest protocol version")

#define NOT_RUNNING(i, on, ...) \
    LIFE(i, on, WARN, "ic-not-running", .uses = vm, .body = "{service} of {vm} is not enabled or not running", __VA_ARGS__)
#define NO_HOT_BACKUP(i, on, why)                                                     \
    LIFE(i, on, WARN, "other", .detail = "no-hot-backup-" why, .uses = vm, .service = VSS, \
         .body = "{vm} can not be backed up while it runs ({reason})")

#define HEARTBEAT "Hyper-V Heartbeat"
#define KVP       "Hyper-V Data Exchange"
#define SHUTDOWN  "Hyper-V Guest Shutdown"
#define VSS       "Hyper-V Volume Shadow Copy Requestor"
#define GUEST     "Hyper-V Guest Service Interface"

#define IP_SETTINGS(on)                                                                                     \
    LIFE(4130, on, WARN, "other", .detail = "ip-settings-timeout", .service = KVP, .uses = vm,              \
         .body = "{vm} did not answer in time when IP settings were applied"),                              \
    LIFE(4132, on, WARN, "other", .detail = "ip-settings-failed", .service = KVP, .uses = vm,               \
         .body = "{vm} could not apply IP settings"),                                                       \
    LIFE(4133, on, INFO, "other", .detail = "ip-settings-applied", .service = KVP, .uses = vm,              \
         .body = "{vm} applied IP settings")

/* 2008 R2 to 2012 R2: the Heartbeat's provider.  2016 and later: everybody's,
 * and which service it was is not said. */
static const struct event_rule integration[] = {
    MISMATCH(4000, ON_2016, ERROR, "ic-incompatible", .uses = vm_protocols, .body = NO_PROTOCOL),
    MISMATCH(4000, ON_UP_TO_2012, ERROR, "ic-incompatible", .service = HEARTBEAT, .uses = vm_protocols,
             .body = NO_PROTOCOL),
    MISMATCH(4010, ON_UP_TO_2012, WARN, "ic-compatible", .service = HEARTBEAT, .uses = vm_protocols,
             .body = OLDER_PROTOCOL),
    VERSION_OK(4020, ON_2012, .service = HEARTBEAT, .uses = vm,
               .body = "{service} of {vm} runs with the host's newest protocol version"),
    NOT_RUNNING(4090, ON_2016, .service = GUEST),
    NOT_RUNNING(4091, ON_2016, .service = GUEST),
    NOT_RUNNING(4092, ON_2016, .service = KVP),
    NOT_RUNNING(4093, ON_2016, .service = VSS),
    NOT_RUNNING(4094, ON_2016, .service = SHUTDOWN),
    NOT_RUNNING(4095, ON_2016, .service = SHUTDOWN),
    NO_HOT_BACKUP(4097, ON_2016, "dynamic-disks"),
    NO_HOT_BACKUP(4098, ON_2016, "differencing-area-elsewhere"),
    NO_HOT_BACKUP(4099, ON_2016, "volumes-without-checkpoints"),
    NOT_RUNNING(4100, ON_2016, .service = VSS),
    NO_HOT_BACKUP(4101, ON_2016, "storage-space-disks"),
    NO_HOT_BACKUP(4102, ON_2016, "older-integration-services"),
    IP_SETTINGS(ON_2016),
    LIFE(4134, ON_2016, WARN, "other", .detail = "shielded", .service = KVP, .uses = vm,
         .body = "{service} can not do this for {vm}, which is shielded"),
};
const struct event_rule_list rules_integration = LIST(integration);

static const struct event_rule ic_kvp[] = {
    OWN_PROVIDER(ON_UP_TO_2012),
    NOT_RUNNING(4096, ON_UP_TO_2012),
    /* The trap of the table: one id, two meanings. */
    MISMATCH(4130, ON_2008R2, WARN, "kvp-older", .uses = vm_versions,
             .body = "{vm} has integration services {installed}; the host offers {offered}"),
    IP_SETTINGS(ON_2012),
};
const struct event_rule_list rules_ic_kvp = LIST(ic_kvp);

static const struct event_rule ic_shutdown[] = {
    OWN_PROVIDER(ON_UP_TO_2012),
    NOT_RUNNING(4096, ON_UP_TO_2012),
    NOT_RUNNING(4097, ON_UP_TO_2012),
};
const struct event_rule_list rules_ic_shutdown = LIST(ic_shutdown);

static const struct event_rule ic_vss[] = {
    OWN_PROVIDER(ON_UP_TO_2012),
    NOT_RUNNING(4096, ON_UP_TO_2012),
    NO_HOT_BACKUP(4097, ON_2012, "dynamic-disks"),
    NO_HOT_BACKUP(4098, ON_2012, "differencing-area-elsewhere"),
    NO_HOT_BACKUP(4099, ON_2012, "volumes-without-checkpoints"),
    NOT_RUNNING(4100, ON_2012),
    NO_HOT_BACKUP(4101, ON_2012, "storage-space-disks"),
    NO_HOT_BACKUP(4102, ON_2012, "older-integration-services"),
};
const struct event_rule_list rules_ic_vss = LIST(ic_vss);

static const struct event_rule ic_guest_interface[] = {
    OWN_PROVIDER(ON_2012),
    NOT_RUNNING(4096, ON_2012),
    NOT_RUNNING(4097, ON_2012),
};
const struct event_rule_list rules_ic_guest_interface = LIST(ic_guest_interface);

static const struct event_rule ic_time_sync[] = { OWN_PROVIDER(ON_UP_TO_2012) };
const struct event_rule_list rules_ic_time_sync = LIST(ic_time_sync);

static const struct event_rule ic_rdv[] = { OWN_PROVIDER(ON_2012) };
const struct event_rule_list rules_ic_rdv = LIST(ic_rdv);

#define NO_DEVICE "Device {service} of {vm} could not be loaded: no protocol version in common" \
                  "[; server {server}][, client {client}]"
#define OLDER_DEVICE "Device {service} of {vm} runs with a version that is not the host's" \
                     "[; server {server}][, client {client}]"
#define NIC "network adapter"

static const struct event_rule vmbus_device[] = {
    MISMATCH(23012, ON_2016, ERROR, "device-incompatible", .uses = vm_device, .body = NO_DEVICE),
};
const struct event_rule_list rules_vmbus_device = LIST(vmbus_device);

static const struct event_rule vm_switch[] = {
    MISMATCH(26, ON_FROM_2012, ERROR, "device-incompatible", .service = NIC, .uses = switch_port, .body = NO_DEVICE),
    MISMATCH(27, ON_2012, WARN, "device-compatible", .service = NIC, .uses = switch_port, .body = OLDER_DEVICE),
};
const struct event_rule_list rules_vm_switch = LIST(vm_switch);

/* VMSMP in the System log of 2008 R2. */
static const struct event_rule vm_switch_2008[] = {
    MISMATCH(26, ON_2008R2, ERROR, "device-incompatible", .service = NIC, .special = mismatch_by_shape,
             .body = NO_DEVICE),
    MISMATCH(27, ON_2008R2, WARN, "device-compatible", .service = NIC, .special = mismatch_by_shape,
             .body = OLDER_DEVICE),
};
const struct event_rule_list rules_vm_switch_2008 = LIST(vm_switch_2008);

/* ---- A.3, A.4: the worker process ---------------------------------------- */

#define TRIPLE_FAULT(i, on, why) \
    CRASH(i, on, ERROR, "triple-fault", .detail = why, .uses = vm, .body = "{vm} was reset after a triple fault ({reason})")
#define FAULTED(i, on, why) \
    CRASH(i, on, ERROR, "other", .detail = why, .uses = vm, .body = "{vm} was stopped or faulted by the hypervisor ({reason})")
#define SENT(i, on) \
    MIGRATION(i, on, WARN, "failed", .flags = RULE_NO_VM, .uses = first_status, \
              .body = "A virtual machine migration could not send its data[: {status}]")
#define GOT(i, on) \
    MIGRATION(i, on, WARN, "failed", .flags = RULE_NO_VM, .uses = first_status, \
              .body = "A virtual machine migration could not receive its data[: {status}]")
#define DAMAGED(i, on) \
    MIGRATION(i, on, WARN, "failed", .flags = RULE_NO_VM, .body = "A virtual machine migration received damaged data")

#define STARTED_HERE "A live migration of {vm} started here"
#define LEFT         "{vm} was live migrated away"
#define COMING       "A live migration of {vm} to this host started"
#define CAME         "{vm} came here by live migration"

static const struct event_rule worker[] = {
    LIFE(18500, ON_ALL, INFO, "started", .uses = vm, .body = "{vm} started"),
    LIFE(18502, ON_FROM_2012, INFO, "stopped", .uses = vm, .body = "{vm} was turned off"),
    LIFE(18504, ON_FROM_2012, INFO, "shut-down", .detail = "by-host", .uses = vm,
         .body = "{vm} was shut down by the host through its integration service"),
    LIFE(18508, ON_FROM_2012, INFO, "shut-down", .detail = "by-guest", .uses = vm,
         .body = "{vm} was shut down by its guest operating system"),
    LIFE(18510, ON_ALL, INFO, "saved", .uses = vm, .body = "{vm} was saved"),
    LIFE(18512, ON_FROM_2012, INFO, "reset", .detail = "by-host", .uses = vm, .body = "{vm} was reset by the host"),
    LIFE(18514, ON_FROM_2012, INFO, "reset", .detail = "by-guest", .uses = vm,
         .body = "{vm} was reset by its guest operating system"),
    LIFE(18515, ON_2016, INFO, "stopped", .detail = "guest-reset", .uses = vm,
         .body = "{vm} was stopped because its guest operating system asked for a reset"),
    LIFE(18516, ON_FROM_2012, INFO, "paused", .uses = vm, .body = "{vm} was paused"),
    LIFE(18518, ON_FROM_2012, INFO, "resumed", .uses = vm, .body = "{vm} was resumed"),
    LIFE(18520, ON_UP_TO_2012, INFO, "other", .detail = "checkpoint", .uses = vm, .body = "A checkpoint of {vm} was taken"),
    LIFE(18522, ON_2012, INFO, "other", .detail = "file-copied", .uses = vm, .body = "A file was copied into {vm}"),
    LIFE(18524, ON_2016, ERROR, "paused-critical", .uses = vm, .body = "{vm} was paused because of a critical error"),
    LIFE(18526, ON_2016, INFO, "resumed-critical", .uses = vm, .body = "{vm} was resumed after a critical error"),
    LIFE(18528, ON_2016, ERROR, "stopped-critical", .uses = vm,
         .body = "{vm} was turned off because it did not recover from a critical error"),
    MIGRATION(18530, ON_UP_TO_2012, INFO, "completed", .detail = "live", .uses = vm, .body = "The live migration of {vm} is complete"),
    TRIPLE_FAULT(18539, ON_2016, "diagnostics-disabled"),
    TRIPLE_FAULT(18540, ON_ALL, "unsupported-operation"),
    TRIPLE_FAULT(18550, ON_ALL, "virtual-processor-register"),
    TRIPLE_FAULT(18560, ON_ALL, "unrecoverable-exception"),
    FAULTED(18570, ON_FROM_2012, "instruction-not-emulated"),
    FAULTED(18571, ON_FROM_2012, "host-memory-short-in-emulation"),
    FAULTED(18572, ON_FROM_2012, "host-error-in-emulation"),
    FAULTED(18573, ON_FROM_2012, "intercept-in-interrupt"),
    FAULTED(18580, ON_FROM_2012, "tlb-page-size-mismatch"),
    CRASH(18590, ON_FROM_2012, FATAL, "bugcheck", .uses = vm, .special = crash_report,
          .body = "{vm} crashed with bug check {code}[ ({p1}, {p2}, {p3}, {p4})]"),
    LIFE(18592, ON_FROM_2012, INFO, "restored", .detail = "fast", .uses = vm, .body = "{vm} was restored"),
    LIFE(18594, ON_FROM_2012, INFO, "saved", .detail = "fast", .uses = vm, .body = "{vm} was saved"),
    LIFE(18596, ON_FROM_2012, INFO, "restored", .uses = vm, .body = "{vm} was restored"),
    LIFE(18598, ON_FROM_2012, INFO, "other", .detail = "fast-save-started", .uses = vm, .body = "{vm} is being saved"),
    /* The same number from Hyper-V-Chipset is a watchdog's reset. */
    LIFE(18600, ON_FROM_2012, INFO, "other", .detail = "fast-restore-started", .uses = vm, .body = "{vm} is being restored"),
    CRASH(18602, ON_2016, ERROR, "dump-written", .uses = vm_code,
          .body = "A memory dump of {vm} was written after a crash[ with code {code}]"),
    CRASH(18604, ON_2016, ERROR, "dump-failed", .uses = vm_status,
          .body = "A memory dump of {vm} could not be written after a crash[: {status}]"),
    LIFE(18608, ON_2016, INFO, "stopped", .detail = "guest-hibernated", .uses = vm, .body = "{vm} hibernated"),
    LIFE(18609, ON_2016, INFO, "other", .detail = "processor-features", .uses = vm,
         .body = "The processor features of {vm} were reported"),
    CRASH(18610, ON_2016, ERROR, "other", .detail = "paravisor-fatal", .uses = vm,
          .body = "The paravisor of {vm} met a fatal error"),
    LIFE(18620, ON_2016, ERROR, "boot-failed", .detail = "paravisor-start", .uses = vm,
         .body = "{vm} could not be started by its paravisor"),
    MIGRATION(21100, ON_ALL, ERROR, "failed", .detail = "live", .uses = vm, .body = "The live migration of {vm} failed"),
    MIGRATION(21102, ON_ALL, ERROR, "failed", .detail = "live", .uses = vm,
              .body = "{vm} did not recover from a failed migration"),
    MIGRATION(21300, ON_2008R2, INFO, "started", .detail = "live", .uses = id_first, .body = STARTED_HERE),
    MIGRATION(21300, ON_FROM_2012, INFO, "started", .detail = "live", .uses = id_name, .body = STARTED_HERE),
    MIGRATION(21301, ON_2008R2, INFO, "completed", .detail = "live", .uses = id_first, .body = LEFT),
    MIGRATION(21301, ON_FROM_2012, INFO, "completed", .detail = "live", .uses = id_time_name, .body = LEFT),
    MIGRATION(21350, ON_2008R2, INFO, "started", .detail = "live", .uses = id_first, .body = COMING),
    MIGRATION(21350, ON_FROM_2012, INFO, "started", .detail = "live", .uses = id_name, .body = COMING),
    MIGRATION(21351, ON_2008R2, INFO, "received", .detail = "live", .uses = id_first, .body = CAME),
    MIGRATION(21351, ON_FROM_2012, INFO, "received", .detail = "live", .uses = id_time_name, .body = CAME),
    SENT(22038, ON_FROM_2012),
    GOT(22040, ON_FROM_2012),
    DAMAGED(22042, ON_FROM_2012),
    MISMATCH(23012, ON_ALL, ERROR, "device-incompatible", .uses = vm_device, .body = NO_DEVICE),
    MISMATCH(23014, ON_UP_TO_2012, WARN, "device-compatible", .uses = vm_device, .body = OLDER_DEVICE),
    /* No all-clear: a device agrees on its version once a start, and the start says that already. */
    LIFE(23020, ON_2012, INFO, "other", .detail = "device-version-ok", .uses = vm_device,
         .body = "Device {service} of {vm} runs with the host's newest version"),
};
const struct event_rule_list rules_worker = LIST(worker);

static const struct event_rule chipset[] = {
    CRASH(18600, ON_2016, ERROR, "watchdog", .uses = vm, .body = "{vm} was reset because its watchdog ran out"),
    LIFE(18601, ON_2016, INFO, "boot-ok", .uses = vm, .body = "{vm} booted an operating system"),
    LIFE(18602, ON_2016, WARN, "boot-ok", .detail = "secure-boot-failures", .uses = vm,
         .body = "{vm} booted an operating system; a boot source before it failed secure boot"),
    LIFE(18603, ON_2016, ERROR, "boot-failed", .uses = vm, .body = "{vm} could not boot an operating system"),
    LIFE(18604, ON_2016, ERROR, "boot-failed", .detail = "secure-boot", .uses = vm,
         .body = "{vm} could not boot an operating system; a boot source failed secure boot"),
    LIFE(18605, ON_2016, ERROR, "boot-failed", .detail = "no-devices", .uses = vm, .body = "{vm} has no device to boot from"),
    LIFE(18606, ON_2016, INFO, "other", .detail = "boot-attempt", .uses = vm, .body = "{vm} tried to boot, or a device of it did not load"),
};
const struct event_rule_list rules_chipset = LIST(chipset);

/* ---- A.3, A.4: the management service ------------------------------------ */

#define PEER_FAILED(i) \
    MIGRATION(i, ON_FROM_2012, ERROR, "failed", .uses = vm_peer, .body = "A migration of {vm} failed[; the other host is {peer}]")

static const struct event_rule vmms[] = {
    LIFE(13002, ON_FROM_2012, INFO, "other", .detail = "created", .uses = vm, .body = "{vm} was created"),
    LIFE(13003, ON_FROM_2012, INFO, "removed", .uses = vm, .body = "{vm} was deleted"),
    CRASH(14070, ON_ALL, ERROR, "worker-died", .uses = vm, .body = "The worker process of {vm} died"),
    CRASH(14071, ON_ALL, ERROR, "worker-died", .uses = vm, .body = "The worker process of {vm} died"),
    LIFE(14072, ON_ALL, ERROR, "stopped-critical", .detail = "restart-given-up", .uses = vm,
         .body = "{vm} is no longer restarted automatically: it stopped too often"),
    RULE(16050, ON_ALL, HOST_STORAGE, WARN, "disk-low", .uses = vm_disk, .body = "{vm} is about to run out of disk space on {device}"),
    RULE(16060, ON_ALL, HOST_STORAGE, ERROR, "disk-full", .flags = RULE_AND_NEXT, .uses = vm_disk,
         .body = "{vm} ran out of disk space on {device}"),
    LIFE(16060, ON_ALL, ERROR, "paused-critical", .detail = "disk-full", .uses = vm_disk,
         .body = "{vm} was paused because it ran out of disk space on {device}"),
    LIFE(18190, ON_ALL, ERROR, "worker-unhealthy", .uses = vm, .body = "The worker process of {vm} is in critical health"),
    RULE(19500, ON_ALL, EVENT_RAW, INFO, "is-image-updated",
         .body = "The host has a new integration services setup image"),
    RULE(19510, ON_ALL, EVENT_RAW, WARN, "is-image-update-failed", .uses = first_status,
         .body = "The host's integration services setup image could not be updated[: {status}]"),
    MIGRATION(20413, ON_FROM_2012, INFO, "started", .detail = "live", .uses = vm_peer,
              .body = "A live migration of {vm} started[ to {peer}]"),
    MIGRATION(20414, ON_FROM_2012, INFO, "started", .detail = "quick", .uses = vm_peer,
              .body = "An offline migration of {vm} started[ to {peer}]"),
    MIGRATION(20415, ON_FROM_2012, INFO, "completed", .detail = "live", .uses = vm_blackout,
              .body = "{vm} was live migrated away[; it stood still for {blackout} s]"),
    MIGRATION(20416, ON_FROM_2012, INFO, "completed", .detail = "quick", .uses = vm, .body = "{vm} was migrated away offline"),
    MIGRATION(20417, ON_FROM_2012, WARN, "completed", .detail = "live", .uses = vm_blackout, .special = migration_was_long,
              .body = "{vm} was live migrated away[; it stood still for {blackout} s, which is unexpectedly long]"),
    MIGRATION(20418, ON_FROM_2012, INFO, "received", .detail = "live", .uses = vm_peer,
              .body = "{vm} came here by live migration[ from {peer}]"),
    MIGRATION(20419, ON_FROM_2012, INFO, "received", .detail = "quick", .uses = vm_peer,
              .body = "{vm} came here by offline migration[ from {peer}]"),
    PEER_FAILED(21024),
    PEER_FAILED(21026),
    /* Seen read from this provider, without its template. */
    MIGRATION(21111, ON_FROM_2012, ERROR, "failed", .detail = "live", .flags = RULE_NO_VM, .uses = vm_name,
              .body = "The live migration of {vm} failed"),
    SENT(22038, ON_FROM_2012),
    GOT(22040, ON_FROM_2012),
    DAMAGED(22042, ON_FROM_2012),
};
const struct event_rule_list rules_vmms = LIST(vmms);

#define CLUSTER_FAILED(i, on) \
    MIGRATION(i, on, ERROR, "failed", .detail = "live", .flags = RULE_NO_VM, .uses = object, \
              .body = "The live migration of cluster resource {object} failed")
#define PHASE(i, text) \
    RULE(i, ON_ALL, EVENT_RAW, INFO, "migration-phase", .uses = id_first, .body = text)

/* The cluster's side; on 2008 R2 the only one besides the worker's. */
static const struct event_rule high_availability[] = {
    CLUSTER_FAILED(21111, ON_ALL),
    CLUSTER_FAILED(21114, ON_2008R2),
    MIGRATION(21300, ON_2008R2, INFO, "started", .detail = "live", .flags = RULE_NO_VM, .uses = id_first, .body = STARTED_HERE),
    MIGRATION(21300, ON_FROM_2012, INFO, "started", .detail = "live", .uses = id_object, .body = STARTED_HERE),
    MIGRATION(21301, ON_2008R2, INFO, "completed", .detail = "live", .uses = id_first, .body = LEFT),
    MIGRATION(21301, ON_FROM_2012, INFO, "completed", .detail = "live", .uses = id_time_object, .body = LEFT),
    PHASE(21302, "Live migration of {vm}: the offline phase started on the source"),
    PHASE(21303, "Live migration of {vm}: the offline phase is over on the source"),
    PHASE(21304, "Live migration of {vm}: the move phase started on the source"),
    PHASE(21305, "Live migration of {vm}: the move phase is over on the source"),
    MIGRATION(21306, ON_2008R2, INFO, "started", .detail = "live", .flags = RULE_NO_VM, .uses = id_first, .body = COMING),
    MIGRATION(21306, ON_FROM_2012, INFO, "started", .detail = "live", .uses = id_object, .body = COMING),
    MIGRATION(21307, ON_2008R2, INFO, "received", .detail = "live", .uses = id_first, .body = CAME),
    MIGRATION(21307, ON_FROM_2012, INFO, "received", .detail = "live", .uses = id_time_object, .body = CAME),
    PHASE(21308, "Live migration of {vm}: the restore phase started on the destination"),
    PHASE(21309, "Live migration of {vm}: the restore phase is over on the destination"),
};
const struct event_rule_list rules_high_availability = LIST(high_availability);

/* A.3: the channel is not known, the path stands at the end of the text. */
static const struct event_rule crash_dump[] = {
    CRASH(40001, ON_2016, ERROR, "dump-written", .flags = RULE_NO_VM, .special = crash_dump_path,
          .body = "The host wrote a guest's crash dump[ to {path}]"),
};
const struct event_rule_list rules_crash_dump = LIST(crash_dump);

/* clang-format on */
