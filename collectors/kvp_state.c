/* See kvp_state.h. */
#include "collectors/kvp_state.h"

#include "base/text.h"
#include "collectors/mark_bytes.h"
#include "collectors/source.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRY = KVP_ID_BYTES + 8, WORDS_MAX = 256, COUNT_MAX = 100000 };

void kvp_state_init(struct kvp_state *s)
{
    *s = (struct kvp_state){ 0 };
    buf_init(&s->stream, KVP_STREAM_MARK_MAX);
}

void kvp_state_free(struct kvp_state *s)
{
    buf_free(&s->stream);
    free(s->known);
    kvp_state_init(s);
}

int kvp_state_reserve(struct kvp_state *s, size_t count, struct err *e)
{
    struct kvp_known *grown;

    if (count <= s->cap)
        return 0;
    grown = realloc(s->known, count * sizeof *grown);
    if (grown == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->known = grown;
    s->cap = count;
    return 0;
}

static int hex_value(char c)
{
    return c <= '9' ? c - '0' : c - 'A' + 10;
}

void kvp_id_from_text(const char *guid, unsigned char *id)
{
    int n = 0;

    for (; *guid != '\0'; guid++) {
        if (*guid == '-')
            continue;
        assert(n < 2 * KVP_ID_BYTES);
        id[n / 2] = (unsigned char)(n % 2 == 0 ? hex_value(*guid) << 4 : id[n / 2] | hex_value(*guid));
        n++;
    }
    assert(n == 2 * KVP_ID_BYTES);
}

void kvp_id_to_text(const unsigned char *id, char *guid)
{
    static const char digits[] = "0123456789ABCDEF";

    for (int i = 0; i < KVP_ID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *guid++ = '-';
        *guid++ = digits[id[i] >> 4];
        *guid++ = digits[id[i] & 15];
    }
    *guid = '\0';
}

uint64_t kvp_state_digest(const struct kvp_state *s)
{
    uint64_t h = MARK_HASH_START;

    for (size_t i = 0; i < s->count; i++) {
        if (!s->known[i].told)
            continue;
        h = mark_hash(h, s->known[i].id, KVP_ID_BYTES);
        h = mark_hash(h, &s->known[i].hash, sizeof s->known[i].hash);
    }
    return h;
}

/* ---- reading ------------------------------------------------------------ */

/* "name=" and a word up to the next blank; false when it is not there. */
static bool word(const char **at, const char *name, char *out, size_t size)
{
    size_t n = strlen(name), len;

    if (strncmp(*at, name, n) != 0)
        return false;
    len = strcspn(*at + n, " ");
    if (len >= size)
        return false;
    memcpy(out, *at + n, len);
    out[len] = '\0';
    *at += n + len;
    if (**at == ' ')
        ++*at;
    return true;
}

static bool number(const char **at, const char *name, uint64_t *out)
{
    char text[32];

    return word(at, name, text, sizeof text) && text_u64(text, out);
}

static bool read_list(struct kvp_state *s, const char **at, size_t count)
{
    unsigned char entry[ENTRY];

    if (kvp_state_reserve(s, count, NULL) != 0)
        return false;
    for (s->count = 0; s->count < count; s->count++) {
        struct kvp_known *k = &s->known[s->count];

        if (!mark_get_bytes(at, entry, sizeof entry))
            return false;
        *k = (struct kvp_known){ .told = true, .hash = mark_get_u64(entry + KVP_ID_BYTES), .vm = -1 };
        memcpy(k->id, entry, KVP_ID_BYTES);
        if (s->count > 0 && memcmp(k[-1].id, k->id, KVP_ID_BYTES) >= 0)
            return false;
    }
    if (**at == ' ')
        ++*at;
    return true;
}

static bool read_vms(struct kvp_state *s, const char **at)
{
    char text[32];
    uint64_t count;

    if (!word(at, "vms=", text, sizeof text))
        return false;
    s->digest_only = strcmp(text, "-") == 0;
    if (s->digest_only)
        return true;
    return text_u64(text, &count) && count <= COUNT_MAX && read_list(s, at, (size_t)count);
}

static bool read_mark(struct kvp_state *s, const char *at)
{
    char place[GUID_TEXT_MAX];
    uint64_t all, full, len;

    if (strncmp(at, "kvp/1 ", 6) != 0)
        return false;
    at += 6;
    if (!word(&at, "at=", place, sizeof place) || !number(&at, "all=", &all) || !number(&at, "full=", &full) ||
        !number(&at, "problems=", &s->problems) || !number(&at, "digest=", &s->digest) || !read_vms(s, &at) ||
        !number(&at, "stream=", &len) || len != strlen(at))
        return false;
    if (strcmp(place, "-") != 0 && !guid_parse(place, strlen(place), s->at))
        return false;
    s->all = all != 0;
    s->full_ns = (int64_t)full;
    buf_add(&s->stream, at, (size_t)len);
    return s->full_ns >= 0 && buf_error(&s->stream) == ERR_OK;
}

int kvp_state_read(struct kvp_state *s, const char *mark, struct err *e)
{
    kvp_state_free(s);
    if (*mark != '\0' && !read_mark(s, mark))
        kvp_state_free(s);
    return kvp_state_reserve(s, 1, e);
}

/* ---- writing ------------------------------------------------------------ */

static size_t told_count(const struct kvp_state *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->count; i++)
        n += s->known[i].told;
    return n;
}

static void write_list(const struct kvp_state *s, struct buf *mark)
{
    /* Written as one run of bytes: entries are a multiple of three bytes long. */
    _Static_assert(ENTRY % 3 == 0, "an entry ends at a character of base64");

    for (size_t i = 0; i < s->count; i++) {
        unsigned char entry[ENTRY];

        if (!s->known[i].told)
            continue;
        memcpy(entry, s->known[i].id, KVP_ID_BYTES);
        mark_put_u64(entry + KVP_ID_BYTES, s->known[i].hash);
        mark_put_bytes(mark, entry, sizeof entry);
    }
}

int kvp_state_write(const struct kvp_state *s, struct buf *mark, struct err *e)
{
    size_t count = told_count(s);
    bool fits = mark_bytes_size(ENTRY * count) + s->stream.len + WORDS_MAX <= SOURCE_MARK_MAX;

    assert(s->full_ns >= 0);
    buf_clear(mark);
    buf_printf(mark, "kvp/1 at=%s all=%d full=%" PRId64 " problems=0x%" PRIx64 " digest=0x%" PRIx64 " ",
               s->at[0] != '\0' ? s->at : "-", s->all, s->full_ns, s->problems,
               s->digest_only ? s->digest : kvp_state_digest(s));
    if (fits && !s->digest_only) {
        buf_printf(mark, "vms=%zu ", count);
        write_list(s, mark);
        buf_char(mark, ' ');
    } else {
        buf_str(mark, "vms=- ");
    }
    buf_printf(mark, "stream=%zu ", s->stream.len);
    buf_add(mark, buf_text(&s->stream), s->stream.len);
    if (buf_error(mark) != ERR_OK)
        return err_set(e, buf_error(mark), "the mark does not fit into %zu bytes", mark->max);
    return 0;
}
