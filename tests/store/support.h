/* A store under test: its folder, its clock, its own random source, and the
 * questions tests keep asking of it. */
#ifndef TESTS_STORE_SUPPORT_H
#define TESTS_STORE_SUPPORT_H

#include "store/store.h"
#include "tests/support/suite.h"

#define HOST "HOST-1"
#define VM_A "AAAAAAAA-0000-4000-8000-000000000001"
#define VM_B "BBBBBBBB-0000-4000-8000-000000000002"

enum { RIG_PATH = 256, MIB = 1024 * 1024 };

struct rig {
    char path[RIG_PATH];
    uint64_t max_bytes;
    bool all_at_once;
    const char *vfs;
    struct clock clock;
    int64_t now; /* what the clock says */
    struct random_source random;
    struct store *store;
    struct store_opened opened;
    struct err err;
};

/* A new folder, a bound of 64 MiB, a clock that stands at 2026-01-31T08:00:00Z. */
void rig_init(struct rig *r);
/* Takes the closed store's files away, so that the next opening makes a new one. */
void rig_clear(struct rig *r);
/* Whatever store_open() says; *r->err filled. */
int rig_try_open(struct rig *r);
void rig_open(struct rig *r); /* must succeed */
void rig_close(struct rig *r);
void rig_reopen(struct rig *r);

/* Appends count observations of a kind, each with "n" (1, 2, ...) and a filling
 * of about `size` bytes, with the mark of source "test" set to `mark` (NULL none). */
int try_append(struct rig *r, enum obs_kind kind, int count, int size, const char *mark, struct store_appended *out);
struct store_appended append(struct rig *r, enum obs_kind kind, int count, int size, const char *mark);

/* The whole outbox, decoded. */
struct outbox {
    struct otlp_request request;
    size_t count;
    const struct observation **o; /* in order of seq */
};
void outbox_load(struct rig *r, struct outbox *out);
void outbox_free(struct outbox *o);
/* The i-th store gap with this reason, or NULL. */
const struct observation *find_gap(const struct outbox *o, const char *reason, int i);

/* The mark of source "test"; static until the next call. */
const char *mark_of(struct rig *r);
struct store_stats stats_of(struct rig *r);

/* What must hold of any store that is open: numbers rise, each payload says its own
 * number, the figures agree with the rows. */
void check_sound(struct rig *r);

#endif
