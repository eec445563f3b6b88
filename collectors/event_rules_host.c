/* Rules about the host: storage and cluster trouble (hyperv.md A.5).  In order
 * of id within a list; see event_rules.h.
 *
 * The words of hyperv.signal that are given here and in event_rules_guest.c:
 *   io-slow io-failed io-retried io-timeout io-latency-summary device-reset
 *   bus-reset device-unresponsive device-responsive paging-error miniport-bug
 *   buffer-map-failed recovery-status recovery-state
 *   path-lost path-restored path-status shared-disk-unmounted
 *   shared-disk-recovered shared-disk-failed disk-low disk-full disk-missing
 *   disk-lost
 *   csv-paused csv-redirected csv-unavailable csv-failed csv-state
 *   smb-connect-failed smb-disconnected smb-session-lost smb-share-lost
 *   smb-restored smb-timeout
 *   resource-failed rhs-restarted role-not-online resource-timeout
 *   failover-threshold node-removed quorum-lost user-mode-hang role-moving
 *   is-image-updated is-image-update-failed migration-phase
 */
#include "collectors/event_rules.h"

/* clang-format off */

#define LIST(rules) { rules, sizeof rules / sizeof rules[0] }

#define VM { 1, AS_VM_NAME, false, "VmName", NULL }, { 2, AS_VM_ID, false, "VmId", NULL }
#define TEXT(at, key) { at, AS_TEXT, false, NULL, key }
#define NAMED(at, name, key) { at, AS_TEXT, false, name, key }
#define END { 0, 0, false, NULL, NULL }

static const struct event_use device[] = { TEXT(1, ATTR_DEVICE), END };
static const struct event_use object[] = { TEXT(1, ATTR_CLUSTER_OBJECT), END };
static const struct event_use object_status[] = { TEXT(1, ATTR_CLUSTER_OBJECT), TEXT(2, ATTR_STATUS), END };
static const struct event_use silent_process[] = {
    TEXT(1, ATTR_CLUSTER_OBJECT), { 3, AS_SECONDS, false, NULL, ATTR_CLUSTER_SILENT }, END };
static const struct event_use csv[] = { TEXT(1, ATTR_DEVICE), TEXT(2, ATTR_CLUSTER_OBJECT), END };
static const struct event_use csv_status[] = {
    TEXT(1, ATTR_DEVICE), TEXT(2, ATTR_CLUSTER_OBJECT), TEXT(3, ATTR_STATUS), END };
static const struct event_use role_to_node[] = { TEXT(1, ATTR_CLUSTER_OBJECT), TEXT(2, ATTR_MIGRATION_PEER), END };

static const struct event_use vsp_mismatch[] = {
    { 1, AS_VM_NAME, false, "AdapterName", NULL }, { 2, AS_VM_ID, false, "AdapterId", NULL },
    NAMED(3, "ServerVersion", ATTR_SERVER_VERSION), NAMED(4, "ClientVersion", ATTR_CLIENT_VERSION), END };
static const struct event_use vsp_recovery[] = {
    NAMED(1, "DeviceName", ATTR_DEVICE), NAMED(4, "NewStatus", ATTR_STATUS), END };
static const struct event_use vsp_state[] = { NAMED(1, "DeviceName", ATTR_DEVICE), NAMED(3, "NewState", ATTR_STATUS), END };
static const struct event_use vsp_failed[] = { NAMED(1, "DeviceName", ATTR_DEVICE), NAMED(2, "Status", ATTR_STATUS), END };
static const struct event_use vsp_device[] = { NAMED(1, "DeviceName", ATTR_DEVICE), END };
static const struct event_use vsp_slow[] = {
    NAMED(1, "DeviceName", ATTR_DEVICE), { 2, AS_MS, true, "Duration", ATTR_LATENCY_MS }, END };
static const struct event_use vsp_max_latency[] = {
    NAMED(0, "DeviceName", ATTR_DEVICE), { 0, AS_MS, false, "MaxLatencyMs", ATTR_LATENCY_MS }, END };

static const struct event_use vm_disk_status[] = { VM, TEXT(3, ATTR_DEVICE), TEXT(4, ATTR_STATUS), END };
static const struct event_use vm_disk[] = { VM, TEXT(3, ATTR_DEVICE), END };

static const struct event_use file_slow[] = { TEXT(3, ATTR_DEVICE), { 5, AS_MS, false, NULL, ATTR_LATENCY_MS }, END };
static const struct event_use file_failed[] = { TEXT(2, ATTR_DEVICE), TEXT(4, ATTR_STATUS), END };
static const struct event_use vhd[] = { TEXT(1, ATTR_DEVICE), { 2, AS_VM_ID, false, NULL, NULL }, END };
static const struct event_use vhd_status3[] = {
    TEXT(1, ATTR_DEVICE), { 2, AS_VM_ID, false, NULL, NULL }, TEXT(3, ATTR_STATUS), END };
static const struct event_use vhd_status4[] = {
    TEXT(1, ATTR_DEVICE), { 2, AS_VM_ID, false, NULL, NULL }, TEXT(4, ATTR_STATUS), END };

static const struct event_use smb_connection[] = { TEXT(2, ATTR_STATUS), TEXT(4, ATTR_DEVICE), END };
static const struct event_use smb_connection_2016[] = { TEXT(4, ATTR_DEVICE), END };
static const struct event_use smb_session[] = { TEXT(1, ATTR_STATUS), TEXT(5, ATTR_DEVICE), END };
static const struct event_use smb_restored[] = { TEXT(5, ATTR_DEVICE), END };
static const struct event_use smb_request[] = { TEXT(6, ATTR_DEVICE), END };

static const struct event_use port_disk[] = { TEXT(5, ATTR_DEVICE), END };
static const struct event_use port_disk_reason[] = { TEXT(5, ATTR_DEVICE), TEXT(6, ATTR_STATUS), END };
static const struct event_use port_error[] = {
    TEXT(5, ATTR_DEVICE), { 6, AS_MS, false, NULL, ATTR_LATENCY_MS }, END };
static const struct event_use port_slow[] = { { 11, AS_MS, false, NULL, ATTR_LATENCY_MS }, END };

#define STORAGE(i, on, s, w, ...) \
    { .id = (i), .hosts = (on), .kind = OBS_HOST_STORAGE, .severity = SEVERITY_##s, .word = (w), __VA_ARGS__ }
#define CLUSTER(i, on, s, w, ...) \
    { .id = (i), .hosts = (on), .kind = OBS_HOST_CLUSTER, .severity = SEVERITY_##s, .word = (w), __VA_ARGS__ }
#define MISMATCH(i, on, s, w, ...) \
    { .id = (i), .hosts = (on), .kind = OBS_GUEST_VERSION_MISMATCH, .severity = SEVERITY_##s, .word = (w), __VA_ARGS__ }

#define DISK "storage device"
#define NO_DISK "The {service} of {vm} could not be loaded: no protocol version in common[; server {server}][, client {client}]"
#define OLDER_DISK "The {service} of {vm} runs with a version that is not the host's[; server {server}][, client {client}]"
#define SLOW "A request to {device} took longer than expected[: {latency} ms]"

/* 300 and up, and 6 to 9, are later than 14393, certainly there in 2022. */
static const struct event_rule storage_vsp[] = {
    MISMATCH(3, ON_2016, ERROR, "device-incompatible", .service = DISK, .uses = vsp_mismatch, .body = NO_DISK),
    STORAGE(4, ON_2016, WARN, "recovery-status", .uses = vsp_recovery, .body = "{device} has a new recovery status[: {status}]"),
    STORAGE(5, ON_2016, WARN, "recovery-state", .uses = vsp_state, .body = "{device} changed its recovery state[ to {status}]"),
    STORAGE(6, ON_2016, ERROR, "io-failed", .uses = vsp_failed, .body = "A request to {device} failed[: {status}]"),
    STORAGE(7, ON_2016, ERROR, "buffer-map-failed", .uses = vsp_device, .body = "A guest's buffer for {device} could not be mapped"),
    STORAGE(8, ON_2016, ERROR, "buffer-map-failed", .uses = vsp_device, .body = "A guest's buffer for {device} could not be mapped"),
    STORAGE(9, ON_2016, WARN, "io-slow", .uses = vsp_slow, .body = "A request to {device} took {latency} ms"),
    STORAGE(300, ON_2016, INFO, "io-latency-summary", .uses = vsp_max_latency, .body = "Latency summary of {device}"),
    STORAGE(301, ON_2016, INFO, "io-latency-summary", .uses = vsp_max_latency, .body = "Latency summary of {device}"),
    STORAGE(302, ON_2016, WARN, "io-slow", .uses = vsp_max_latency, .body = SLOW),
    STORAGE(303, ON_2016, WARN, "io-slow", .uses = vsp_max_latency, .body = SLOW),
};
const struct event_rule_list rules_storage_vsp = LIST(storage_vsp);

/* storvsp in the System log, before the provider had a channel. */
static const struct event_rule storage_vsp_2012[] = {
    MISMATCH(3, ON_UP_TO_2012, ERROR, "device-incompatible", .service = DISK, .special = mismatch_by_shape, .body = NO_DISK),
    MISMATCH(5, ON_UP_TO_2012, WARN, "device-compatible", .service = DISK, .special = mismatch_by_shape, .body = OLDER_DISK),
};
const struct event_rule_list rules_storage_vsp_2012 = LIST(storage_vsp_2012);

/* VMMS uses 12630, 12635 and 12636 for things of its own. */
static const struct event_rule synth_stor[] = {
    STORAGE(12630, ON_2016, ERROR, "path-lost", .uses = vm_disk_status,
            .body = "{device} of {vm} did not recover and the VM is turned off[: {status}]"),
    STORAGE(12631, ON_2016, ERROR, "shared-disk-unmounted", .uses = vm_disk_status,
            .body = "Shared disk {device} of {vm} was unmounted[: {status}]"),
    STORAGE(12632, ON_2016, INFO, "shared-disk-recovered", .uses = vm_disk, .body = "Shared disk {device} of {vm} is back"),
    STORAGE(12633, ON_2016, ERROR, "shared-disk-failed", .uses = vm_disk_status,
            .body = "Shared disk {device} of {vm} could not be recovered[: {status}]"),
    STORAGE(12634, ON_2016, INFO, "path-restored", .uses = vm_disk_status, .body = "{device} of {vm} recovered[: {status}]"),
    STORAGE(12635, ON_2016, WARN, "path-status", .uses = vm_disk_status, .body = "{device} of {vm} has a new resiliency status[: {status}]"),
    STORAGE(12636, ON_2016, WARN, "path-lost", .uses = vm_disk_status, .body = "{device} of {vm} met an error that may pass[: {status}]"),
    STORAGE(12637, ON_2016, WARN, "path-lost", .uses = vm_disk_status, .body = "{device} of {vm} has not recovered yet[: {status}]"),
};
const struct event_rule_list rules_synth_stor = LIST(synth_stor);

static const struct event_rule shared_vhdx[] = {
    STORAGE(256, ON_2012, ERROR, "io-failed", .uses = file_failed, .body = "A request to {device} failed[: SRB status {status}]"),
    STORAGE(272, ON_2012, WARN, "io-slow", .uses = file_slow, .body = SLOW),
};
const struct event_rule_list rules_shared_vhdx = LIST(shared_vhdx);

static const struct event_rule vhdmp[] = {
    STORAGE(100, ON_2016, WARN, "path-lost", .uses = vhd_status4, .body = "{device} is being recovered after a failed request[: {status}]"),
    STORAGE(101, ON_2016, INFO, "path-restored", .uses = vhd, .body = "{device} recovered"),
    STORAGE(102, ON_2016, ERROR, "path-lost", .uses = vhd_status3, .body = "{device} did not recover[: {status}]"),
    STORAGE(110, ON_2016, WARN, "path-lost", .uses = vhd_status3, .body = "{device} is being recovered after a failed request[: {status}]"),
    STORAGE(111, ON_2016, INFO, "path-restored", .uses = vhd, .body = "{device} recovered"),
    STORAGE(112, ON_2016, ERROR, "path-lost", .uses = vhd_status3, .body = "{device} did not recover[: {status}]"),
};
const struct event_rule_list rules_vhdmp = LIST(vhdmp);

/* 5152 and 5157 are newer than the templates; their fields are carried as they come. */
static const struct event_rule clustering[] = {
    STORAGE(1034, ON_ALL, ERROR, "disk-missing", .uses = object, .body = "The disk of cluster resource {object} was not found"),
    STORAGE(1038, ON_ALL, ERROR, "disk-lost", .uses = object, .body = "This node lost cluster disk {object}"),
    CLUSTER(1069, ON_ALL, ERROR, "resource-failed", .uses = object, .body = "Cluster resource {object} failed"),
    CLUSTER(1135, ON_ALL, ERROR, "node-removed", .uses = object, .body = "Cluster node {object} was removed from the membership"),
    CLUSTER(1146, ON_ALL, ERROR, "rhs-restarted", .body = "The cluster's resource hosting process was restarted"),
    CLUSTER(1177, ON_ALL, ERROR, "quorum-lost", .body = "The cluster service shuts down here: quorum is lost"),
    CLUSTER(1205, ON_ALL, ERROR, "role-not-online", .uses = object, .body = "Cluster role {object} could not be brought online or offline"),
    CLUSTER(1230, ON_ALL, ERROR, "resource-timeout", .uses = object, .body = "Cluster resource {object} did not answer in time"),
    CLUSTER(1254, ON_FROM_2012, ERROR, "failover-threshold", .uses = object, .body = "Cluster role {object} failed over too often and is left failed"),
    CLUSTER(1641, ON_FROM_2012, INFO, "role-moving", .uses = role_to_node, .body = "Cluster role {object} moves[ to {peer}]"),
    CLUSTER(4870, ON_ALL, ERROR, "user-mode-hang", .uses = silent_process,
            .body = "This node's user mode did not respond: {object}[ for {silent} s]"),
    STORAGE(5120, ON_ALL, ERROR, "csv-paused", .uses = csv_status, .body = "Cluster Shared Volume {device} is paused[: {status}]"),
    STORAGE(5121, ON_ALL, WARN, "csv-redirected", .uses = csv, .body = "Cluster Shared Volume {device} is reached through another node"),
    STORAGE(5142, ON_ALL, ERROR, "csv-unavailable", .uses = csv_status, .body = "Cluster Shared Volume {device} can not be reached from this node[: {status}]"),
    STORAGE(5150, ON_FROM_2012, ERROR, "csv-failed", .uses = object_status, .body = "The Cluster Shared Volume of {object} failed[: {status}]"),
    STORAGE(5152, ON_2016, WARN, "csv-state", .body = "A Cluster Shared Volume changes its state"),
    STORAGE(5157, ON_2016, ERROR, "csv-paused", .body = "A Cluster Shared Volume is paused because of a failure of the infrastructure"),
};
const struct event_rule_list rules_clustering = LIST(clustering);

static const struct event_rule smb_client[] = {
    STORAGE(30803, ON_FROM_2012, WARN, "smb-connect-failed", .uses = smb_connection, .body = "No connection to {device}[: {status}]"),
    STORAGE(30804, ON_2012, WARN, "smb-disconnected", .uses = smb_connection, .body = "The connection to {device} failed[: {status}]"),
    STORAGE(30804, ON_2016, WARN, "smb-disconnected", .uses = smb_connection_2016, .body = "The connection to {device} was lost"),
    STORAGE(30805, ON_FROM_2012, WARN, "smb-session-lost", .uses = smb_session, .body = "The session with {device} was lost[: {status}]"),
    STORAGE(30806, ON_FROM_2012, INFO, "smb-restored", .uses = smb_restored, .body = "The session with {device} is back"),
    STORAGE(30807, ON_FROM_2012, WARN, "smb-share-lost", .uses = smb_session, .body = "The connection to share {device} was lost[: {status}]"),
    STORAGE(30808, ON_FROM_2012, INFO, "smb-restored", .uses = smb_restored, .body = "The connection to share {device} is back"),
    STORAGE(30809, ON_FROM_2012, WARN, "smb-timeout", .uses = smb_request, .body = "{device} did not answer a request in time"),
};
const struct event_rule_list rules_smb_client = LIST(smb_client);

static const struct event_rule stor_port[] = {
    STORAGE(500, ON_2016, ERROR, "io-timeout", .uses = port_disk, .body = "A request to disk {device} timed out"),
    STORAGE(501, ON_2016, WARN, "bus-reset", .body = "A storage adapter's bus was reset"),
    STORAGE(502, ON_2016, ERROR, "device-unresponsive", .uses = port_disk_reason, .body = "Disk {device} does not respond[: {status}]"),
    STORAGE(503, ON_2016, INFO, "device-responsive", .uses = port_disk_reason, .body = "Disk {device} responds again"),
    STORAGE(504, ON_2016, WARN, "io-failed", .uses = port_error, .body = "A request to disk {device} failed[ after {latency} ms]"),
    STORAGE(505, ON_2016, INFO, "io-latency-summary", .uses = port_disk, .body = "Latency summary of disk {device}"),
    STORAGE(507, ON_2016, ERROR, "miniport-bug", .body = "A storage driver did not complete a request after a reset"),
    STORAGE(508, ON_2016, ERROR, "miniport-bug", .body = "A storage driver did not complete a request after an abort"),
    STORAGE(549, ON_2016, WARN, "io-failed", .body = "A storage request failed"),
    STORAGE(554, ON_2016, WARN, "io-slow", .body = "A storage request took longer than expected"),
    STORAGE(557, ON_2016, WARN, "io-slow", .uses = port_slow, .body = "A storage request took longer than [{latency} ms]"),
};
const struct event_rule_list rules_stor_port = LIST(stor_port);

static const struct event_rule disk[] = {
    STORAGE(51, ON_ALL, WARN, "paging-error", .uses = device, .body = "An error occurred on {device} during a paging operation"),
    STORAGE(153, ON_ALL, WARN, "io-retried", .uses = device, .body = "A request to {device} was retried"),
};
const struct event_rule_list rules_disk = LIST(disk);

static const struct event_rule miniport[] = {
    STORAGE(129, ON_ALL, WARN, "device-reset", .uses = device, .body = "{device} was reset"),
};
const struct event_rule_list rules_miniport = LIST(miniport);

/* clang-format on */
