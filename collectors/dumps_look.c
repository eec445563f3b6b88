/* See dumps_look.h. */
#include "collectors/dumps_look.h"

#include "base/text.h"
#include "base/times.h"
#include "collectors/dumps_triage.h"
#include "collectors/dumps_verdict.h"
#include "collectors/mark_bytes.h"
#include "model/identity.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HEAD = 8192, GUID_CHARS = GUID_TEXT_MAX - 1 };

/* A crash can not lie this far ahead of the clock: then the guest's own clock
 * was wrong and the file's time is the better one. */
#define AHEAD_MAX (24 * 3600 * NS_PER_S)

/* ---- the look ----------------------------------------------------------- */

struct reading {
    const struct files *files;
    struct file *file;
};

static int read_file(void *arg, uint64_t offset, void *bytes, size_t len, size_t *got, struct err *e)
{
    struct reading *r = arg;

    return r->files->ops->read_at(r->file, offset, bytes, len, got, e);
}

static void verdict(struct dumps_look *out, enum dumps_readiness readiness, enum dumps_verdict v, const char *problem)
{
    out->readiness = readiness;
    out->verdict = v;
    text_clean(out->problem, sizeof out->problem, problem, strlen(problem), NULL);
}

/* The file could not be opened or read. */
static void failed(struct dumps_look *out, int rc, const struct err *e)
{
    if (rc == ERR_NOT_FOUND || rc == ERR_INVALID)
        out->readiness = DUMPS_CHANGED;
    else
        verdict(out, rc == ERR_PERMISSION ? DUMPS_READY : DUMPS_WAIT, DUMPS_NO_ACCESS, e->text);
}

static void judge(struct dumps_look *out, bool hole_at_end)
{
    static const struct {
        enum dumps_readiness readiness;
        enum dumps_verdict verdict;
    } by_state[DUMP_STATE_COUNT] = {
        [DUMP_COMPLETE] = { DUMPS_READY, DUMPS_OK },     [DUMP_PARTIAL] = { DUMPS_WAIT, DUMPS_PARTIAL },
        [DUMP_EMPTY] = { DUMPS_WAIT, DUMPS_EMPTY },      [DUMP_ZERO] = { DUMPS_WAIT, DUMPS_ZERO },
        [DUMP_FOREIGN] = { DUMPS_READY, DUMPS_FOREIGN }, [DUMP_ENCRYPTED] = { DUMPS_READY, DUMPS_ENCRYPTED },
        [DUMP_CORRUPT] = { DUMPS_WAIT, DUMPS_CORRUPT },
    };
    enum dump_state state = out->header.state;

    assert(state < DUMP_STATE_COUNT);
    verdict(out, by_state[state].readiness, by_state[state].verdict, out->header.reason);
    if (state == DUMP_COMPLETE && hole_at_end)
        verdict(out, DUMPS_WAIT, DUMPS_PARTIAL, "the file ends in a hole: its last page was never written");
}

/* What is no kernel dump has no header that would tell one from another: two
 * empty files are two files. */
static uint64_t dump_key(const struct dumps_look *look, const struct file_info *info, const void *head, size_t len)
{
    uint64_t h = mark_hash(MARK_HASH_START, head, len);

    h = mark_hash(h, &info->size, sizeof info->size);
    if (look->verdict == DUMPS_FOREIGN || look->verdict == DUMPS_EMPTY || look->verdict == DUMPS_ZERO)
        h = mark_hash(h, info->id, sizeof info->id);
    return h;
}

static int look_inside(struct reading *r, const struct dumps_file *file, struct dumps_look *out, struct err *e)
{
    struct triage_reader reader = { .read = read_file, .arg = r, .size = file->info.size };
    unsigned char head[HEAD];
    struct file_info info;
    size_t got = 0;
    int rc = r->files->ops->info(r->file, &info, e);

    if (rc == 0 && dumps_file_key(&info) != dumps_file_key(&file->info)) {
        out->readiness = DUMPS_CHANGED;
        return 0;
    }
    if (rc == 0)
        rc = r->files->ops->read_at(r->file, 0, head, sizeof head, &got, e);
    if (rc == 0)
        rc = dump_header_read(&reader, &out->header, e);
    if (rc != 0)
        return rc;
    out->has_header = true;
    judge(out, info.hole_at_end);
    out->dump = dump_key(out, &info, head, got);
    return 0;
}

void dumps_look(const struct files *files, const struct dumps_file *file, struct dumps_look *out)
{
    struct reading r = { .files = files };
    struct err e;
    int rc;

    *out = (struct dumps_look){ 0 };
    rc = files->ops->open(files, file->path, &r.file, &e);
    if (rc == 0) {
        rc = look_inside(&r, file, out, &e);
        files->ops->close(r.file);
    }
    if (rc != 0) {
        failed(out, rc, &e);
        return;
    }
    if (out->readiness != DUMPS_CHANGED && files->ops->writer_gone(files, file->path, &e) == ERR_BUSY) {
        if (out->verdict == DUMPS_OK)
            verdict(out, DUMPS_WAIT, DUMPS_PARTIAL, "another program still has the file open for writing");
        out->readiness = DUMPS_WAIT;
    }
}

/* ---- the observation ---------------------------------------------------- */

static void put_vm(struct observation *o, const struct dumps_file *file)
{
    const char *slash = strchr(file->relative, '/'), *base = strrchr(file->relative, '/');
    size_t folder_len = slash != NULL ? (size_t)(slash - file->relative) : 0;
    const char *by = "";
    char id[GUID_TEXT_MAX];

    base = base != NULL ? base + 1 : file->relative;
    if (guid_parse(file->relative, folder_len, id))
        by = "folder";
    else if (strlen(base) > GUID_CHARS && guid_parse(base, GUID_CHARS, id))
        by = "file-name";
    else if (guid_from_vm_sid(file->info.owner, id))
        by = "owner";
    else if (folder_len > 0)
        by = "folder-name";
    obs_str(o, ATTR_VM_ID, id);
    if (id[0] == '\0')
        obs_strn(o, ATTR_VM_NAME, file->relative, folder_len);
    obs_str(o, ATTR_DUMP_VM_BY, by);
}

static void put_crash(struct observation *o, const struct dump_header *h)
{
    char text[32], key[OBS_KEY_MAX];

    if (!h->has_bugcheck)
        return;
    obs_str(o, ATTR_CRASH_KIND, h->has_attributes && (h->attributes & DUMP_ATTR_LIVE) ? "other" : "bugcheck");
    snprintf(text, sizeof text, "0x%08" PRIx32, h->code);
    obs_str(o, ATTR_CRASH_CODE, text);
    for (int i = 0; i < DUMP_PARAMS; i++) {
        snprintf(key, sizeof key, ATTR_CRASH_PARAM_N, i + 1);
        snprintf(text, sizeof text, "0x%016" PRIx64, h->params[i]);
        obs_str(o, key, text);
    }
}

static void put_header(struct observation *o, const struct dump_header *h)
{
    char text[TIMES_TEXT_MAX];

    obs_str(o, ATTR_DUMP_FORMAT, dump_format_name(h->format));
    obs_str(o, ATTR_DUMP_ARCH, dump_arch_name(h->arch));
    if (h->build != 0)
        obs_int(o, ATTR_DUMP_BUILD, h->build);
    obs_str(o, ATTR_DUMP_TIME, times_format(h->crash_time, text));
    if (h->uptime > 0)
        obs_double(o, ATTR_DUMP_UPTIME, (double)h->uptime / (double)NS_PER_S);
    put_crash(o, h);
}

static const struct {
    const char *word;
    enum obs_severity severity;
} verdicts[DUMPS_VERDICT_COUNT] = {
    [DUMPS_OK] = { "ok", SEVERITY_ERROR },
    [DUMPS_PARTIAL] = { "partial", SEVERITY_ERROR },
    [DUMPS_EMPTY] = { "empty", SEVERITY_WARN },
    [DUMPS_ZERO] = { "zero", SEVERITY_WARN },
    [DUMPS_FOREIGN] = { "foreign", SEVERITY_INFO },
    [DUMPS_ENCRYPTED] = { "encrypted", SEVERITY_ERROR },
    [DUMPS_CORRUPT] = { "unreadable", SEVERITY_WARN },
    [DUMPS_NO_ACCESS] = { "unreadable", SEVERITY_WARN },
};

static void put_body(struct observation *o, const struct dumps_file *file, const struct dumps_look *look,
                     const struct triage_verdict *v, const char *problem)
{
    const struct dump_header *h = &look->header;
    const char *dash = problem[0] != '\0' ? "; " : "";
    char words[DUMP_WORDS_MAX] = "";

    if (v != NULL)
        dumps_verdict_words(v, words, sizeof words);
    if (look->has_header && h->has_bugcheck)
        obs_body(o, "Crash dump %s: bug check 0x%08" PRIx32 "%s%s, %s%s%s%s%s", file->relative, h->code,
                 v != NULL ? " " : "", v != NULL ? v->bugcheck_name : "", dump_format_text(h->format),
                 v != NULL ? ", " : "", words, dash, problem);
    else if (look->has_header)
        obs_body(o, "File %s: %s%s%s", file->relative, dump_format_text(h->format), dash, problem);
    else
        obs_body(o, "Crash dump %s can not be read: %s", file->relative, problem);
}

/* What is wrong with the file, and what with the reading of it. */
static void join_problems(const struct dumps_look *look, const struct dumps_reading *reading, char *out, size_t size)
{
    const char *second = reading != NULL ? reading->problem : "";

    snprintf(out, size, "%s%s%s", look->problem, look->problem[0] != '\0' && second[0] != '\0' ? "; " : "", second);
}

void dumps_report(struct obs_batch *b, const struct dumps_file *file, const struct dumps_look *look,
                  const struct dumps_reading *reading, int64_t now_ns)
{
    const struct triage_verdict *v = reading != NULL ? reading->verdict : NULL;
    char problem[2 * DUMPS_PROBLEM_MAX + 4];
    int64_t crashed = look->has_header ? look->header.crash_time : 0;
    bool usable = crashed > 0 && crashed <= now_ns + AHEAD_MAX;
    struct observation *o = obs_new(b, OBS_GUEST_DUMP, usable ? crashed : file->info.mtime_ns, now_ns);

    assert(look->verdict < DUMPS_VERDICT_COUNT);
    o->severity = verdicts[look->verdict].severity;
    put_vm(o, file);
    obs_str(o, ATTR_DUMP_PATH, file->path);
    obs_int(o, ATTR_DUMP_SIZE, (int64_t)file->info.size);
    obs_str(o, ATTR_DUMP_STATUS, verdicts[look->verdict].word);
    join_problems(look, reading, problem, sizeof problem);
    obs_str(o, ATTR_DUMP_PROBLEM, problem);
    if (look->has_header)
        put_header(o, &look->header);
    if (v != NULL)
        dumps_verdict_put(o, v);
    put_body(o, file, look, v, problem);
}
