/* A rule in memory, and what its files share.  Private to incidents/.
 *
 * rules_parse.c reads YAML nodes to rules, rules_values.c the values of
 * conditions; rules_conditions.c is the table of conditions and says of each
 * whether it is met; rules_apply.c makes findings; rules_shipped.c puts files
 * together.
 */
#ifndef INCIDENTS_RULES_MODEL_H
#define INCIDENTS_RULES_MODEL_H

#include "config/yaml_tree.h"
#include "incidents/case_file.h"
#include "incidents/rules.h"
#include "model/version.h"

enum {
    RULE_ID_MAX = 64,
    RULE_TEXT_MAX = 900, /* bytes of one text of a rule: with its placeholders filled it fits a finding */
    RULE_VALUES_MAX = 64,
    RULE_SENTENCE_MAX = 256,
    RULE_DISK_TIMEOUT = -1, /* a length: that of rules_disk_timeout() */
};

enum truth { NOT_KNOWN, MET, CONTRADICTED };

/* How the values of a condition are written. */
enum value_type {
    VALUE_CODES,    /* 0xD1, [0x7A, 0x77] */
    VALUE_PARAMS,   /* 6, 0x10..0x1f, 0xff&0x03: all bits of the mask as said */
    VALUE_GLOBS,    /* storvsc.sys, iaStor*.sys */
    VALUE_WORDS,    /* of a fixed set */
    VALUE_VERSIONS, /* 6.1, 6.1..6.3, 10.0.17763.. */
    VALUE_DURATION, /* 60s */
    VALUE_STALL,    /* 60s, or guest-disk-timeout */
    VALUE_FLAG,     /* true, false */
    VALUE_COUNT,    /* 3: at least so many */
};

/* One value of a list. */
struct rule_value {
    const char *text;        /* as written */
    uint64_t low, high;      /* codes, parameters */
    uint64_t mask;           /* of a parameter; ~0 none */
    struct version from, to; /* versions; parts 0: open */
    int from_parts, to_parts;
};

struct facts {
    const struct incident *i;
    const struct incident_surroundings *around;
    int64_t disk_timeout_ns; /* of guests */
};

struct condition;

/* One row of the table of conditions. */
struct condition_kind {
    const char *name, *help;
    enum value_type type;
    const char *const *words; /* VALUE_WORDS; NULL-ended */
    int which;                /* of several that one function judges */
    /* Writes a sentence that says how it is, whatever the answer. */
    enum truth (*judge)(const struct condition *c, const struct facts *f, char why[RULE_SENTENCE_MAX]);
};

extern const struct condition_kind condition_kinds[];
extern const size_t condition_kind_count;
const struct condition_kind *condition_find(const char *name);

enum condition_shape { CONDITION_LEAF, CONDITION_ALL, CONDITION_ANY, CONDITION_NOT };

struct condition {
    enum condition_shape shape;
    const struct condition_kind *kind; /* of a leaf */
    struct rule_value *values;
    int value_count;
    int64_t number; /* ns of a duration (or RULE_DISK_TIMEOUT), a count, or a flag */
    struct condition *child, *next;
};

struct rule {
    const char *id, *title, *text, *action, *reason;
    const char *links[INCIDENT_LINES_MAX];
    int link_count;
    enum incident_confidence confidence;
    bool enabled;
    struct place at;
    uint32_t applies; /* bits of enum incident_kind; 0: all */
    struct condition *needs, *expects, *helps, *against;
};

struct rules {
    struct arena arena;
    struct rules *owned;          /* sets whose rules were put over these; freed with it */
    struct rule *rule[RULES_MAX]; /* in order of id */
    size_t count;
    int64_t disk_timeout_ns;
    uint64_t digest; /* of the files' bytes, in the order in which they were read */
};

enum { RULES_BYTES_MAX = 8 * 1024 * 1024 };

struct rules *rules_new(void);
/* Takes the place of the one of its id, or is added in order; false when there are RULES_MAX. */
bool rules_put(struct rules *r, struct rule *rule);

/* What reading hands around. */
struct rule_reader {
    const struct yaml_tree *tree;
    struct problems *problems;
    struct rules *rules;
    bool out_of_memory;
};

/* ERR_TOO_BIG where the rules do not fit below RULES_BYTES_MAX; ERR_MEMORY. */
MUST_USE int rules_read(struct rule_reader *r);

/* Reads the node's value or values into c, whose kind is set. */
void rule_values_read(struct rule_reader *r, const struct yaml_node *node, struct condition *c);
/* A copy in the rules' arena; "" out of memory (noted). */
const char *rule_keep(struct rule_reader *r, const char *text, size_t len);
/* The known word that was most likely meant; NULL when none is near.  words is NULL-ended. */
const char *rule_nearest(const char *word, const char *const *words);
/* The nodes below one, in order: the first after `after` (-1: from the start); -1 no more. */
int rule_child(const struct yaml_tree *t, int parent, int after);
/* The last part of a node's path: its key. */
const char *rule_key(const struct yaml_node *n);

/* Whether text has only placeholders that there are; *bad is the one that is not. */
bool rule_text_check(const char *text, char *bad, size_t size);

/* The files of hub/rules/ as the build embedded them (generated); ends with a NULL name. */
struct rules_file {
    const char *name;
    const unsigned char *bytes;
    size_t len;
};
extern const struct rules_file rules_files[];

#endif
