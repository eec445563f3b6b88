/* A drift report built by hand, host by host and guest by guest, for tests of what it says. */
#ifndef TESTS_REPORT_SUPPORT_REPORT_H
#define TESTS_REPORT_SUPPORT_REPORT_H

#include "base/times.h"
#include "report/drift_report.h"

#define REPORT_NOW INT64_C(1769846400000000000) /* 2026-01-31T08:00:00Z */
#define EXPECTED   "6.3.9600.18692"
#define OLD        "6.3.9600.16384"

struct made {
    struct drift_report_options options;
    struct drift_report *r;
    struct buf out;
    struct drift_peers *peers;
    struct host h;  /* the last one */
    struct guest g; /* the last one; large */
};

/* options.now_ns is REPORT_NOW; the others may be set between made_start() and made_begin(). */
void made_start(struct made *m);
void made_begin(struct made *m);
void made_finish(struct made *m);
void made_free(struct made *m);

/* HOST-<number>, called HV<number>, heard and polled now.  made_host() fills m->h, which may be changed; it is added
 * by made_add_host(). */
struct host *made_host(struct made *m, int number, const char *cluster, const char *os_version, const char *win6x);
void made_add_host(struct made *m);
/* A 2012 R2 host that expects EXPECTED, added. */
void made_host_2012r2(struct made *m, int number, const char *cluster);

/* A running Windows guest of that number on that host, polled now; added by made_add_guest(). */
struct guest *made_guest(struct made *m, int number, int host, const char *name, const char *os_version,
                         const char *is_version);
void made_add_guest(struct made *m);
void made_item(struct guest *g, enum kvp_item item, const char *text);
/* An event that says that a service of m->g does not work. */
void made_broken(struct made *m);
const char *made_id(int number);

/* The report in that format, the hosts report in it; texts live until the next. */
const char *made_drift(struct made *m, enum report_format format);
const char *made_hosts(struct made *m, enum report_format format);

#define has(text, what)   ck_assert_msg(strstr(text, what) != NULL, "\"%s\" is not in:\n%s", what, text)
#define lacks(text, what) ck_assert_msg(strstr(text, what) == NULL, "\"%s\" is in:\n%s", what, text)

#endif
