/* See esxi_rules.h.
 *
 * The tables say which words make a line ours; a function for each shape takes
 * what the line holds.  Device names stand in brackets or quotes, lengths of
 * time before "sec".
 */
#include "collectors/esxi_rules.h"

#include "base/times.h"
#include "collectors/event_apply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    TIME_LEN_MIN = 20, /* 2017-02-25T18:19:29Z */
    TIME_LEN_MAX = 30,
    DATE_LEN = 10,
    MSR_FIRST = 0x40000100,
    SECONDS_MAX = 7 * 86400, /* a call that took longer is a misread number */
    DEVICE_MAX = 512,
};

/* ---- pieces of a line ----------------------------------------------------------- */

const char *esxi_find(struct esxi_line line, const char *word)
{
    size_t len = strlen(word), left = line.len;
    const char *at = line.text;

    while (left >= len && (at = memchr(at, word[0], left - len + 1)) != NULL) {
        if (memcmp(at, word, len) == 0)
            return at;
        at++;
        left = line.len - (size_t)(at - line.text);
    }
    return NULL;
}

/* What comes behind the word; empty when it is not there. */
static struct esxi_line behind(struct esxi_line line, const char *word)
{
    const char *at = esxi_find(line, word);
    struct esxi_line rest = { line.text + line.len, 0 };

    if (at != NULL) {
        rest.text = at + strlen(word);
        rest.len = (size_t)(line.text + line.len - rest.text);
    }
    return rest;
}

/* What stands before the first `end`, or nothing when there is none. */
static struct esxi_line until(struct esxi_line line, char end)
{
    const char *at = memchr(line.text, end, line.len);

    return (struct esxi_line){ line.text, at != NULL ? (size_t)(at - line.text) : 0 };
}

bool esxi_line_time(struct esxi_line line, int64_t *time_ns)
{
    const char *z = memchr(line.text, 'Z', line.len < TIME_LEN_MAX ? line.len : TIME_LEN_MAX);
    char text[TIME_LEN_MAX + 1];
    size_t len;

    if (z == NULL)
        return false;
    len = (size_t)(z - line.text) + 1;
    if (len < TIME_LEN_MIN || (len < line.len && strchr(" |:", line.text[len]) == NULL))
        return false;
    memcpy(text, line.text, len);
    text[len] = '\0';
    return text[DATE_LEN] == 'T' && strlen(text) == len && times_parse(text, time_ns);
}

/* "0x5c" at the start, up to a blank. */
static bool hex_at(struct esxi_line text, uint64_t *out)
{
    size_t len = 0;

    while (len < text.len && strchr(" \t\r", text.text[len]) == NULL)
        len++;
    return len > 2 && text.text[1] == 'x' && event_number(text.text, len, out);
}

/* ---- storage ---------------------------------------------------------------------- */

/* "/vmfs/volumes/<datastore>/<folder>/file" */
struct vmfs_path {
    struct esxi_line whole, datastore, folder;
};

static struct vmfs_path vmfs_path(struct esxi_line line)
{
    static const char volumes[] = "/vmfs/volumes/";
    const char *at = esxi_find(line, volumes);
    struct vmfs_path p = { { "", 0 }, { "", 0 }, { "", 0 } };
    struct esxi_line rest = behind(line, volumes), below;
    size_t len = 0;

    if (at == NULL)
        return p;
    while (len < rest.len && strchr("\"'", rest.text[len]) == NULL)
        len++;
    rest.len = len;
    p.whole = (struct esxi_line){ at, sizeof volumes - 1 + len };
    p.datastore = until(rest, '/');
    if (p.datastore.len == 0) {
        p.datastore = rest;
        return p;
    }
    below = (struct esxi_line){ rest.text + p.datastore.len + 1, rest.len - p.datastore.len - 1 };
    p.folder = until(below, '/');
    return p;
}

static struct observation *storage(struct obs_batch *batch, int64_t time_ns, int64_t observed_ns, const char *signal,
                                   enum obs_severity severity, struct esxi_line device)
{
    struct observation *o = obs_new(batch, OBS_HOST_STORAGE, time_ns, observed_ns);

    o->severity = severity;
    obs_str(o, ATTR_SIGNAL, signal);
    obs_strn(o, ATTR_DEVICE, device.text, device.len < DEVICE_MAX ? device.len : DEVICE_MAX);
    return o;
}

static const char *device_of(const struct observation *o)
{
    const char *device = obs_get_str(o, ATTR_DEVICE);

    return device[0] != '\0' ? device : "a device";
}

struct making {
    struct esxi_line line;
    int64_t time_ns, observed_ns;
    struct obs_batch *batch;
    const char **why;
};

/* hostd's IoTracker, KB 392634: fopen("/vmfs/volumes/...") took over 140 sec. */
static enum esxi_taken take_slow_call(const struct making *m)
{
    struct vmfs_path path = vmfs_path(m->line);
    struct esxi_line rest = behind(m->line, "took over ");
    struct esxi_line number = until(rest, ' ');
    struct observation *o;
    uint64_t seconds;

    if (!event_number(number.text, number.len, &seconds) || seconds > SECONDS_MAX || rest.len < number.len + 4 ||
        memcmp(rest.text + number.len, " sec", 4) != 0) {
        *m->why = "how long the call took is not a number of seconds";
        return ESXI_UNREADABLE;
    }
    o = storage(m->batch, m->time_ns, m->observed_ns, "io-slow", SEVERITY_WARN, path.datastore);
    obs_int(o, ATTR_LATENCY_MS, (int64_t)seconds * 1000);
    obs_strn(o, ATTR_ESXI_PATH, path.whole.text, path.whole.len);
    obs_strn(o, ATTR_VM_NAME, path.folder.text, path.folder.len);
    obs_body(o, "A call of the host's agent to %s took over %" PRIu64 " s", device_of(o), seconds);
    return ESXI_TAKEN;
}

/* KB 392634: Cannot open file "/vmfs/volumes/...": Input/output error. */
static enum esxi_taken take_failed_call(const struct making *m)
{
    struct vmfs_path path = vmfs_path(m->line);
    struct observation *o = storage(m->batch, m->time_ns, m->observed_ns, "io-failed", SEVERITY_ERROR, path.datastore);

    obs_strn(o, ATTR_ESXI_PATH, path.whole.text, path.whole.len);
    obs_strn(o, ATTR_VM_NAME, path.folder.text, path.folder.len);
    obs_str(o, ATTR_STATUS, "Input/output error");
    obs_body(o, "A file on %s could not be read: Input/output error", device_of(o));
    return ESXI_TAKEN;
}

/* KB 427504.  The line names no VM, whose own log has the code: kept as it is. */
static enum esxi_taken take_crash_seen(const struct making *m)
{
    struct observation *o = obs_new(m->batch, OBS_EVENT_RAW, m->time_ns, m->observed_ns);

    o->severity = SEVERITY_ERROR;
    obs_body(o, "The host's agent saw a guest crash; which one, that guest's own vmware.log says");
    return ESXI_TAKEN;
}

/* HBX: 2956: 'ssd': HB at offset 3735552 - Waiting for timed out HB: */
static enum esxi_taken take_heartbeat(const struct making *m)
{
    struct esxi_line name = until(behind(behind(m->line, "HBX: "), "'"), '\'');
    struct observation *o = storage(m->batch, m->time_ns, m->observed_ns, "io-slow", SEVERITY_WARN, name);

    obs_str(o, ATTR_STATUS, "VMFS heartbeat timed out");
    obs_body(o, "The heartbeat of volume %s timed out", device_of(o));
    return ESXI_TAKEN;
}

/* vobd: "[esx.problem.storage.apd.start] Device or filesystem with identifier [naa...] has ..." */
static const struct vob {
    const char *name, *signal;
    enum obs_severity severity;
    const char *says;
} vobs[] = {
    { "esx.problem.storage.apd.start", "path-lost", SEVERITY_ERROR, "has lost all its paths" },
    { "esx.problem.storage.apd.timeout", "path-lost", SEVERITY_ERROR,
      "has been without a path for longer than ESXi waits" },
    { "esx.problem.storage.apd.recovered", "path-restored", SEVERITY_INFO, "has a path again" },
    { "esx.clear.storage.apd.exit", "path-restored", SEVERITY_INFO, "has a path again" },
    { "esx.problem.storage.connectivity.lost", "path-lost", SEVERITY_ERROR, "can not be reached" },
    { "esx.problem.storage.redundancy.lost", "path-lost", SEVERITY_WARN, "has its last path left" },
    { "esx.clear.storage.connectivity.restored", "path-restored", SEVERITY_INFO, "can be reached again" },
    { "esx.clear.storage.redundancy.restored", "path-restored", SEVERITY_INFO, "has all its paths again" },
    { "esx.problem.vmfs.heartbeat.timedout", "path-lost", SEVERITY_ERROR,
      "did not take its heartbeat: access to it is lost" },
    { "esx.problem.vmfs.heartbeat.unrecoverable", "disk-lost", SEVERITY_ERROR,
      "is lost: its heartbeat did not recover" },
    { "esx.problem.vmfs.heartbeat.recovered", "path-restored", SEVERITY_INFO, "takes its heartbeat again" },
    { "esx.problem.scsi.device.state.permanentloss", "disk-lost", SEVERITY_ERROR, "is lost for good" },
    { "esx.problem.scsi.device.io.latency.high", "io-slow", SEVERITY_WARN, "answers far slower than usual" },
};

/* What the sentence names: in brackets, else the word behind "device " or "Device ", else the last word. */
static struct esxi_line vob_device(struct esxi_line sentence)
{
    static const char *const before[] = { "storage device ", "Device ", "device " };
    struct esxi_line device = until(behind(sentence, "["), ']');

    for (size_t i = 0; device.len == 0 && i < sizeof before / sizeof before[0]; i++) {
        struct esxi_line rest = behind(sentence, before[i]);

        device = until(rest, ' ');
        if (device.len == 0)
            device = rest;
        while (device.len > 0 && strchr(".,", device.text[device.len - 1]) != NULL)
            device.len--;
    }
    return device;
}

/* VMFS events give the volume's uuid and then its name: "<uuid> <name>". */
static struct esxi_line vob_volume(struct esxi_line sentence)
{
    struct esxi_line uuid = until(sentence, ' ');

    if (uuid.len == 0 || memchr(uuid.text, '-', uuid.len) == NULL)
        return (struct esxi_line){ sentence.text, 0 };
    return (struct esxi_line){ sentence.text + uuid.len + 1, sentence.len - uuid.len - 1 };
}

static enum esxi_taken take_vob(const struct making *m)
{
    for (size_t i = 0; i < sizeof vobs / sizeof vobs[0]; i++) {
        const struct vob *v = &vobs[i];
        const char *at = esxi_find(m->line, v->name);
        struct esxi_line sentence, device;
        struct observation *o;

        if (at == NULL || at[-1] != '[') /* the line begins with a time */
            continue;
        sentence = behind(behind(m->line, v->name), "] ");
        device = strstr(v->name, ".vmfs.") != NULL ? vob_volume(sentence) : vob_device(sentence);
        o = storage(m->batch, m->time_ns, m->observed_ns, v->signal, v->severity, device);
        obs_str(o, ATTR_ESXI_EVENT, v->name);
        obs_strn(o, ATTR_STATUS, sentence.text, sentence.len < DEVICE_MAX ? sentence.len : DEVICE_MAX);
        obs_body(o, "%s %s", device_of(o), v->says);
        return ESXI_TAKEN;
    }
    return ESXI_NOT_OURS;
}

/* ---- which line is whose ------------------------------------------------------------- */

static const struct shape {
    enum esxi_log log;
    const char *word, *also; /* both must be there; also NULL: none */
    enum esxi_taken (*take)(const struct making *m);
} shapes[] = {
    { ESXI_HOSTD, "sub=IoTracker", "took over ", take_slow_call },
    { ESXI_HOSTD, "/vmfs/volumes/", "Input/output error", take_failed_call },
    { ESXI_HOSTD, "Guest operating system crash detected", NULL, take_crash_seen },
    { ESXI_VMKERNEL, "HBX: ", "Waiting for timed out HB", take_heartbeat },
    { ESXI_VOBD, "[esx.", NULL, take_vob },
};

enum esxi_taken esxi_take_line(enum esxi_log log, struct esxi_line line, int64_t observed_ns, struct obs_batch *batch,
                               const char **why)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct shape *s = &shapes[i];
        struct making m = { .line = line, .observed_ns = observed_ns, .batch = batch, .why = why };

        if (s->log != log || esxi_find(line, s->word) == NULL || (s->also != NULL && esxi_find(line, s->also) == NULL))
            continue;
        if (esxi_line_time(line, &m.time_ns))
            return s->take(&m);
        *why = "no time of the form 2026-01-31T08:00:00.000Z at its start";
        return ESXI_UNREADABLE;
    }
    return ESXI_NOT_OURS;
}

/* ---- crashes ---------------------------------------------------------------------------- */

static void thread_of(struct esxi_line line, char out[ESXI_THREAD_MAX])
{
    const char *at = esxi_find(line, "vcpu-");
    size_t len = 0, max = at != NULL ? (size_t)(line.text + line.len - at) : 0;

    while (len < max && len < ESXI_THREAD_MAX - 1 && (len < 5 || (at[len] >= '0' && at[len] <= '9')))
        len++;
    if (len > 0)
        memcpy(out, at, len);
    out[len] = '\0';
}

enum esxi_taken esxi_crash_line(struct esxi_line line, struct esxi_crash_line *out, const char **why)
{
    struct esxi_line rest = behind(line, "WinBSOD: Synthetic MSR[");
    struct esxi_line value = behind(rest, "] ");
    uint64_t msr;

    if (rest.len == 0)
        return ESXI_NOT_OURS;
    *why = "not a crash register (0x40000100 to 0x40000104) and its value";
    if (!hex_at(until(rest, ']'), &msr) || msr < MSR_FIRST || msr >= MSR_FIRST + CRASH_REGISTERS ||
        !hex_at(value, &out->value))
        return ESXI_UNREADABLE;
    *why = "no time of the form 2026-01-31T08:00:00.000Z at its start";
    if (!esxi_line_time(line, &out->time_ns))
        return ESXI_UNREADABLE;
    out->reg = (int)(msr - MSR_FIRST);
    thread_of(line, out->thread);
    return ESXI_TAKEN;
}

/* What was not seen is left out, not taken for zero. */
static void put_what_is_known(struct observation *o, const uint64_t registers[CRASH_REGISTERS], unsigned found)
{
    char text[24];

    snprintf(text, sizeof text, "0x%08" PRIx64, registers[0]);
    obs_str(o, ATTR_CRASH_CODE, text);
    for (int i = 1; i < CRASH_REGISTERS; i++) {
        char key[sizeof ATTR_CRASH_PARAM_N + 12];

        if ((found & 1u << i) == 0)
            continue;
        snprintf(key, sizeof key, ATTR_CRASH_PARAM_N, i);
        snprintf(text, sizeof text, "0x%016" PRIx64, registers[i]);
        obs_str(o, key, text);
    }
    obs_str(o, ATTR_ESXI_PROBLEM, "not all five crash registers are in the log");
}

void esxi_put_crash(const struct esxi_vm *vm, const uint64_t registers[CRASH_REGISTERS], unsigned found,
                    int64_t time_ns, int64_t observed_ns, struct obs_batch *batch)
{
    struct observation *o = obs_new(batch, OBS_GUEST_CRASH, time_ns, observed_ns);
    const char *name = vm->name[0] != '\0' ? vm->name : vm->vm_id;

    o->severity = SEVERITY_FATAL;
    obs_str(o, ATTR_VM_ID, vm->vm_id);
    obs_str(o, ATTR_VM_NAME, vm->name);
    if (vm->derived)
        obs_bool(o, ATTR_ESXI_DERIVED, true);
    obs_str(o, ATTR_CRASH_KIND, "bugcheck");
    if (found == (1u << CRASH_REGISTERS) - 1) {
        obs_body(o, "%s crashed with code 0x%" PRIx64, name, registers[0]);
        crash_registers_put(o, registers);
    } else {
        obs_body(o, "%s crashed; its log does not hold all of what it reported", name);
        put_what_is_known(o, registers, found);
    }
}
