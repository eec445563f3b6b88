/* A case told in observations, as agents tell it, for tests. */
#ifndef TESTS_INCIDENTS_SUPPORT_CASE_H
#define TESTS_INCIDENTS_SUPPORT_CASE_H

#include "base/times.h"
#include "incidents/case_file.h"
#include "incidents/rules.h"
#include "tests/support/suite.h"

#define VM_A "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF"
#define VM_B "0F8FAD5B-D9CB-469F-A165-70867728950E"
#define VM_C "7C9E6679-7425-40DE-944B-E07FC1F90AE7"

/* Seconds after a fixed moment, as nanoseconds. */
#define AT(seconds) (INT64_C(1706688000000000000) + (int64_t)((seconds)*1e9))

enum { TOLD_MAX = 512 };

struct told {
    struct resource who;
    const struct observation *o;
};

struct telling {
    struct obs_batch batch;
    struct case_options options;
    struct told told[TOLD_MAX];
    int count;
    uint64_t seq[4]; /* of each host's agent */
    struct incident_list list;
    struct incident *i; /* the first of the list, NULL none */
};

void telling_start(struct telling *t);
void telling_free(struct telling *t);

/* Hosts are numbered: HV1, HV2 ... of cluster PROD. */
struct observation *observe(struct telling *t, int host, enum obs_kind kind, double seconds, const char *vm);

/* A report of 18590: code, four parameters ("0xd1", "0x0", ...). */
void tell_crash(struct telling *t, int host, double seconds, const char *vm, const char *code, const char *params);
void tell_sign(struct telling *t, int host, double seconds, const char *vm, const char *kind);
/* A dump; vm NULL: not known; module NULL: no verdict. */
struct observation *tell_dump(struct telling *t, int host, double seconds, const char *vm, const char *code,
                              const char *params, const char *module);
void tell_life(struct telling *t, int host, double seconds, const char *vm, const char *change);
struct observation *tell_move(struct telling *t, int host, double seconds, const char *vm, const char *phase);
void tell_storage(struct telling *t, int host, double seconds, const char *signal, const char *device, int64_t ms);
void tell_cluster(struct telling *t, int host, double seconds, const char *signal, int event_id);
void tell_gap(struct telling *t, int host, double seconds, const char *from, const char *to);

/* All that was told, in order, to incidents; t->i is the first. */
void conclude(struct telling *t);
/* One of them, by index of time; fails the test when there is none. */
struct incident *nth(struct telling *t, size_t n);

/* The JSON of a list, one object a line, in malloc'ed memory. */
char *json_of(const struct incident_list *l);
/* The same for the told[order[0..n)], through a new case file. */
char *json_in_order(struct telling *t, const int *order, int n);

#define expect_count(t, n) ck_assert_msg((t)->list.count == (n), "%zu incidents, want %d", (t)->list.count, (int)(n))

#endif
