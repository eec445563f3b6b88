/* The channels of the bundle; see host.h. */
#include "tests/winhost/wevtapi/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_LEN = 1024, FILE_MAX = 64 * 1024 * 1024 };

static const uint64_t default_created = UINT64_C(133500000000000000);

static SRWLOCK lock = SRWLOCK_INIT;

static struct {
    struct host_channel channels[CHANNELS_MAX];
    size_t count;
    uint64_t fingerprint; /* of the files, as they were read last */
} host;

void host_lock(void)
{
    AcquireSRWLockExclusive(&lock);
}

void host_unlock(void)
{
    ReleaseSRWLockExclusive(&lock);
}

/* ---- one event's text ---- */

/* The text between begin and end within [from, to). */
static bool cut(const char *from, const char *to, const char *begin, const char *end, char *out, size_t size)
{
    const char *p = strstr(from, begin), *q;
    size_t n;

    out[0] = '\0';
    if (p == NULL || p >= to)
        return false;
    p += strlen(begin);
    q = strstr(p, end);
    if (q == NULL || q > to)
        return false;
    n = (size_t)(q - p);
    if (n >= size)
        n = size - 1;
    memcpy(out, p, n);
    out[n] = '\0';
    return true;
}

static uint64_t cut_number(const char *from, const char *to, const char *begin, const char *end)
{
    char text[64];

    if (!cut(from, to, begin, end, text, sizeof text))
        return 0;
    return strtoull(text, NULL, 10);
}

/* An element that may have attributes: the text after the first '>'. */
static uint64_t cut_element(const char *from, const char *to, const char *open)
{
    char text[NAME_MAX_LEN];
    const char *value;

    if (!cut(from, to, open, "</", text, sizeof text))
        return 0;
    value = strchr(text, '>');
    return value != NULL ? strtoull(value + 1, NULL, 10) : 0;
}

static void cut_quoted(const char *from, const char *to, const char *name, char *out, size_t size)
{
    char begin[64];

    snprintf(begin, sizeof begin, "%s\"", name);
    if (cut(from, to, begin, "\"", out, size))
        return;
    snprintf(begin, sizeof begin, "%s'", name);
    cut(from, to, begin, "'", out, size);
}

/* "2024-12-09T11:31:23.2356205Z" */
static uint64_t filetime_of(const char *text)
{
    SYSTEMTIME t = { 0 };
    FILETIME f;
    char fraction[8] = "0000000";
    const char *dot = strchr(text, '.');

    if (sscanf(text, "%hu-%hu-%huT%hu:%hu:%hu", &t.wYear, &t.wMonth, &t.wDay, &t.wHour, &t.wMinute, &t.wSecond) != 6 ||
        !SystemTimeToFileTime(&t, &f))
        return 0;
    for (int i = 0; dot != NULL && i < 7 && dot[i + 1] >= '0' && dot[i + 1] <= '9'; i++)
        fraction[i] = dot[i + 1];
    return ((uint64_t)f.dwHighDateTime << 32 | f.dwLowDateTime) + strtoull(fraction, NULL, 10);
}

static bool parse_event(const char *from, const char *to, struct host_record *r)
{
    char time[64];
    size_t len = (size_t)(to - from);

    *r = (struct host_record){ 0 };
    r->id = cut_number(from, to, "<EventRecordID>", "</");
    r->event_id = (uint32_t)cut_element(from, to, "<EventID");
    r->level = (uint32_t)cut_number(from, to, "<Level>", "</");
    cut(from, to, "<Channel>", "</", r->channel, sizeof r->channel);
    cut_quoted(from, to, "<Provider Name=", r->provider, sizeof r->provider);
    cut_quoted(from, to, "SystemTime=", time, sizeof time);
    r->time = filetime_of(time);
    if (r->id == 0 || r->channel[0] == '\0')
        return false;
    r->xml = malloc(len + 1);
    if (r->xml == NULL)
        return false;
    memcpy(r->xml, from, len);
    r->xml[len] = '\0';
    return true;
}

size_t host_split(const char *text, struct host_record **records)
{
    static const char end[] = "</Event>";
    size_t count = 0, room = 0;
    const char *p = text, *q;

    *records = NULL;
    for (; (p = strstr(p, "<Event")) != NULL; p++) {
        if (p[6] != ' ' && p[6] != '>')
            continue;
        q = strstr(p, end);
        if (q == NULL)
            break;
        if (count == room) {
            struct host_record *grown = realloc(*records, (room = room * 2 + 64) * sizeof **records);

            if (grown == NULL)
                break;
            *records = grown;
        }
        if (parse_event(p, q + sizeof end - 1, &(*records)[count]))
            count++;
        p = q;
    }
    return count;
}

bool host_record_copy(struct host_record *to, const struct host_record *from)
{
    *to = *from;
    to->xml = strdup(from->xml);
    return to->xml != NULL;
}

void host_record_free(struct host_record *r)
{
    free(r->xml);
    r->xml = NULL;
}

/* ---- the folder ---- */

char *host_read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t n = 0;
    long size;

    if (f == NULL)
        return NULL;
    size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    rewind(f);
    if (size >= 0 && size <= FILE_MAX)
        text = malloc((size_t)size + 1);
    if (text != NULL) {
        n = fread(text, 1, (size_t)size, f);
        text[n] = '\0';
    }
    fclose(f);
    return text;
}

static bool next_file(const char *dir, HANDLE *find, WIN32_FIND_DATAA *found)
{
    char pattern[PATH_LEN];

    if (*find != INVALID_HANDLE_VALUE)
        return FindNextFileA(*find, found);
    snprintf(pattern, sizeof pattern, "%s\\events\\*.xml", dir);
    *find = FindFirstFileA(pattern, found);
    return *find != INVALID_HANDLE_VALUE;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    return (h ^ v) * UINT64_C(0x100000001b3);
}

static uint64_t look(const char *dir)
{
    HANDLE find = INVALID_HANDLE_VALUE;
    WIN32_FIND_DATAA found;
    uint64_t h = UINT64_C(14695981039346656037);

    for (const char *p = dir; *p != '\0'; p++)
        h = mix(h, (unsigned char)*p);

    while (next_file(dir, &find, &found)) {
        for (const char *p = found.cFileName; *p != '\0'; p++)
            h = mix(h, (unsigned char)*p);
        h = mix(h, (uint64_t)found.nFileSizeHigh << 32 | found.nFileSizeLow);
        h = mix(h, (uint64_t)found.ftLastWriteTime.dwHighDateTime << 32 | found.ftLastWriteTime.dwLowDateTime);
    }
    if (find != INVALID_HANDLE_VALUE)
        FindClose(find);
    return h;
}

struct host_channel *host_channel_at(size_t i)
{
    return i < host.count ? &host.channels[i] : NULL;
}

struct host_channel *host_channel(const char *name)
{
    for (size_t i = 0; i < host.count; i++) {
        if (_stricmp(host.channels[i].name, name) == 0)
            return &host.channels[i];
    }
    return NULL;
}

static struct host_channel *make_channel(const char *name)
{
    struct host_channel *c = host_channel(name);

    if (c != NULL || host.count == CHANNELS_MAX)
        return c;
    c = &host.channels[host.count++];
    *c = (struct host_channel){ .created = default_created };
    snprintf(c->name, sizeof c->name, "%s", name);
    return c;
}

/* Takes the record over. */
static void put(struct host_record *r)
{
    struct host_channel *c = make_channel(r->channel);
    struct host_record *grown = NULL;

    if (c != NULL)
        grown = realloc(c->records, (c->count + 1) * sizeof *grown);
    if (grown == NULL) {
        host_record_free(r);
        return;
    }
    c->records = grown;
    c->records[c->count++] = *r;
}

static int by_id(const void *a, const void *b)
{
    const struct host_record *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static void forget_all(void)
{
    for (size_t i = 0; i < host.count; i++) {
        for (size_t n = 0; n < host.channels[i].count; n++)
            host_record_free(&host.channels[i].records[n]);
        free(host.channels[i].records);
    }
    host.count = 0;
}

static void read_all(const char *dir)
{
    HANDLE find = INVALID_HANDLE_VALUE;
    WIN32_FIND_DATAA found;
    char path[PATH_LEN];

    while (next_file(dir, &find, &found)) {
        struct host_record *records = NULL;
        char *text;

        snprintf(path, sizeof path, "%s\\events\\%s", dir, found.cFileName);
        text = host_read_file(path);
        for (size_t n = text != NULL ? host_split(text, &records) : 0, i = 0; i < n; i++)
            put(&records[i]);
        free(records);
        free(text);
    }
    if (find != INVALID_HANDLE_VALUE)
        FindClose(find);
}

/* What the script says of a channel, and the range of its numbers. */
static void settle(struct host_channel *c)
{
    uint64_t oldest = 0;
    size_t gone = 0;

    if (c->count > 0)
        qsort(c->records, c->count, sizeof c->records[0], by_id);
    script_number("created", c->name, "at", &c->created);
    script_number("oldest", c->name, "id", &oldest);
    while (gone < c->count && c->records[gone].id < oldest)
        host_record_free(&c->records[gone++]);
    if (gone > 0)
        memmove(c->records, c->records + gone, (c->count - gone) * sizeof c->records[0]);
    c->count -= gone;
    c->oldest = c->count > 0 ? c->records[0].id : oldest;
    c->newest = c->count > 0 ? c->records[c->count - 1].id : oldest > 0 ? oldest - 1 : 0;
}

static void hide(const char *name)
{
    struct host_channel *c = host_channel(name);

    if (c != NULL) {
        for (size_t n = 0; n < c->count; n++)
            host_record_free(&c->records[n]);
        free(c->records);
        *c = host.channels[--host.count];
    }
}

void host_refresh(void)
{
    char dir[PATH_LEN];
    uint64_t now;
    const char *name;

    if (GetEnvironmentVariableA("HVFLEET_WINHOST", dir, sizeof dir) - 1 >= sizeof dir - 1)
        return;
    now = look(dir);
    if (!script_refresh(dir) && now == host.fingerprint)
        return;
    forget_all();
    read_all(dir);
    for (size_t i = 0; (name = script_channel("exists", i)) != NULL; i++)
        make_channel(name);
    for (size_t i = 0; i < host.count; i++)
        settle(&host.channels[i]);
    for (size_t i = 0; (name = script_channel("hide", i)) != NULL; i++)
        hide(name);
    host.fingerprint = now;
}
