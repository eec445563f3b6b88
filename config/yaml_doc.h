/* YAML read into a checked tree by libyaml: the ground that agent.yaml,
 * hub.yaml, host.yaml and later the rules files stand on.
 *
 * A document is described by a table of keys; reading it checks every node and
 * collects every problem with its place before it gives up.
 */
#ifndef CONFIG_YAML_DOC_H
#define CONFIG_YAML_DOC_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum yaml_key_type {
    YAML_TEXT,     /* char[max + 1] */
    YAML_INT,      /* int64_t, min..max */
    YAML_SIZE,     /* int64_t bytes: 512MiB, 4KiB, 100B; a bare number is refused with the remedy */
    YAML_DURATION, /* int64_t ns: 250ms, 5s, 5m, 24h, 90d */
    YAML_BOOL,   /* bool: true, false (yes, no, on, off are refused: they mean different things to different readers) */
    YAML_CHOICE, /* int: index into choices */
    YAML_TEXT_LIST, /* struct config_list (agent_config.h) */
    YAML_VERSION,   /* struct version */
    YAML_TIME,      /* int64_t ns UTC, RFC 3339 */
    YAML_LINES,     /* a list of texts as char[max + 1]: the items with '\n' between them */
    YAML_FLAGS,     /* a list of choices as uint32_t: bit i stands for choices[i] */
    YAML_ITEMS,     /* a list of sections, each read by a table of its own into an array: at most max items */
};

struct yaml_schema;

struct yaml_key {
    const char *path; /* "hub.batch.max_count" */
    enum yaml_key_type type;
    size_t offset;                   /* into the struct that is filled */
    int64_t min, max;                /* ints, sizes, durations; texts: least and most bytes; lists: most items */
    const char *fallback;            /* the default as one would write it ("" for an empty text, list, version or
                                      * time, which may then be written too); NULL: required */
    const char *const *choices;      /* NULL-ended */
    const char *help;                /* one sentence, for the example file */
    const struct yaml_schema *items; /* YAML_ITEMS: the table of one, whose target_size is the array's step */
    size_t count_offset;             /* YAML_ITEMS: an int, how many there are; items are filled from the first on */
};

/* Reads yaml (len bytes) by the table into target.  Unknown key (with the
 * nearest known one named), wrong type, out of range, duplicate key, anchors
 * and aliases, a second document, too deep, too long: each is one line in problems
 * (100 at most), in order of place.  target is zeroed, then filled; ERR_INVALID leaves it as it was.
 * Any thread; blocks only where a file is read. */
MUST_USE int yaml_doc_read(const char *name, const char *yaml, size_t len, const struct yaml_key *keys,
                           size_t key_count, void *target, size_t target_size, struct buf *problems);

/* What one key's value says of another's, once each is good by itself: called
 * with the filled struct, before anybody else sees it. */
struct yaml_checker;
typedef void yaml_check(struct yaml_checker *c, const void *target);

/* A problem at the place of that key ("list[2].name" for one of a list's third section; of the section it would be in,
 * or of the file's start, where the file leaves it out). */
void yaml_check_problem(struct yaml_checker *c, const char *path, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* True when the file gives the key; true when nothing is wrong with the key's own value.  One that is wrong has left
 * the default in its place: who acts on another value alone need not ask. */
bool yaml_check_given(const struct yaml_checker *c, const char *path);
bool yaml_check_good(const struct yaml_checker *c, const char *path);

/* A table with such checks.  check may be NULL. */
struct yaml_schema {
    const struct yaml_key *keys;
    size_t key_count;
    size_t target_size;
    yaml_check *check;
};

MUST_USE int yaml_schema_read(const char *name, const char *yaml, size_t len, const struct yaml_schema *schema,
                              void *target, struct buf *problems);

/* Reads a whole file (1 MiB at most) and then as above; a file that is unreadable
 * or too large is one line "FILE:1:1: ...". */
MUST_USE int yaml_schema_load(const char *path, const struct yaml_schema *schema, void *target, struct buf *problems);

/* Zeroes target (target_size bytes) and fills in every default. */
void yaml_schema_defaults(const struct yaml_schema *schema, void *target);

/* An example document: every key with its help and default, nested and in the
 * table's order; required keys are commented out. */
void yaml_doc_example(const char *title, const struct yaml_key *keys, size_t key_count, struct buf *out);

#endif
