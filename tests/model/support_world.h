/* A guest and its host for tests: told in observations, as the agents tell them. */
#ifndef TESTS_MODEL_SUPPORT_WORLD_H
#define TESTS_MODEL_SUPPORT_WORLD_H

#include "model/drift.h"
#include "model/guest.h"
#include "model/host.h"
#include "tests/support/suite.h"

#define VM   "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF"
#define HOST "host-1"

/* Seconds after a fixed moment, as nanoseconds. */
#define AT(seconds) (INT64_C(1706688000000000000) + (int64_t)(seconds)*1000000000)

struct world {
    struct obs_batch batch;
    struct guest g;
    struct host h;
    struct drift_peers *peers;
    struct drift_verdict v;
};

/* A guest nothing is known of, on a 2012 R2 host with E6 6.3.9600.18692, E5 6.3.9600.18339, polled at AT(0). */
void world_start(struct world *w);
/* The same on a 2022 host, with peers to compare with. */
void world_start_2016(struct world *w);
void world_free(struct world *w);

/* Another host: its OS version and expected versions. */
void world_host(struct world *w, const char *os_version, const char *win6x, const char *win5x);

/* An observation that is not yet applied. */
struct observation *world_observe(struct world *w, enum obs_kind kind, int64_t time);
void world_apply(struct world *w, const char *host_id, const struct observation *o);

/* One poll of a running Windows guest that holds these; NULL or "" leaves out. */
struct observation *world_poll(struct world *w, int64_t time, const char *os_version, const char *is_version);
/* The same, applied at once. */
void world_windows(struct world *w, int64_t time, const char *os_version, const char *is_version);
void world_linux(struct world *w, int64_t time, const char *is_version);
void world_component(struct observation *o, enum ic_component c, int enabled, int status0, int status1);

/* The four parameters of a crash. */
void world_parameters(struct observation *o, uint64_t p1, uint64_t p2, uint64_t p3, uint64_t p4);

/* A version event of HOST, applied. */
void world_mismatch(struct world *w, int64_t time, enum mismatch_signal signal, int event_id, const char *service);
void world_all_clear(struct world *w, int64_t time, const char *service);
void world_change(struct world *w, int64_t time, const char *change);
void world_received(struct world *w, const char *host_id, int64_t time);

/* Evaluates into w->v. */
void world_judge(struct world *w);
/* Whether a line of the evidence holds that. */
bool world_has_evidence(const struct world *w, const char *part);

#define expect(w, expected_state, expected_row)                                                                    \
    do {                                                                                                           \
        world_judge(w);                                                                                            \
        ck_assert_str_eq(drift_state_name((w)->v.kept.state), drift_state_name(expected_state));                   \
        ck_assert_msg((w)->v.kept.row == (expected_row), "row %d and not %d: %s", (w)->v.kept.row, (expected_row), \
                      (w)->v.reason);                                                                              \
        ck_assert_str_ne((w)->v.reason, "");                                                                       \
        ck_assert_ptr_nonnull((w)->v.action);                                                                      \
    } while (0)

#endif
