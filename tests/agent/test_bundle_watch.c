/* A bundle whose folder is watched: its sources are left alone while it stands
 * still, and miss nothing. */
#include "base/text.h"
#include "base/times.h"
#include "tests/agent/support_agent.h"
#include "tests/support/suite.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define EVENT                                                                                                     \
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='disk'/>"        \
    "<EventID>153</EventID><TimeCreated SystemTime='2026-01-31T07:00:00.5Z'/><EventRecordID>%d</EventRecordID>"   \
    "<Channel>System</Channel><Computer>HV01</Computer></System><EventData><Data>\\Device\\Harddisk1\\DR1</Data>" \
    "<Data>0x10</Data><Data>0</Data></EventData></Event>\n"

enum { UNDISTURBED_LOOKS = 20 };

/* The system's files; looks at the bundle's folder and openings of event files are counted. */
static struct files watched_files;
static char bundle_dir[600];
static atomic_int looks, opens, looks_at_open;
static atomic_bool hang;

static int counting_list(const struct files *f, const char *dir, bool (*take)(void *arg, const char *name), void *arg,
                         struct err *e)
{
    (void)f;
    if (strcmp(dir, bundle_dir) == 0) {
        looks++;
        while (hang)
            uv_sleep(2);
    }
    return plat_files()->ops->list(plat_files(), dir, take, arg, e);
}

static int counting_open(const struct files *f, const char *path, struct file **out, struct err *e)
{
    (void)f;
    if (strstr(path, "/events/") != NULL) {
        opens++;
        looks_at_open = looks;
    }
    return plat_files()->ops->open(plat_files(), path, out, e);
}

static void put_event(const char *name, int record)
{
    char path[700];
    FILE *f;

    snprintf(path, sizeof path, "%s/events/%s", bundle_dir, name);
    f = fopen(path, "a");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_gt(fprintf(f, EVENT, record), 0);
    ck_assert_int_eq(fclose(f), 0);
}

/* So many looks in a row after which no source was asked. */
static bool is_left_alone(void *arg)
{
    (void)arg;
    return opens > 0 && looks - looks_at_open >= UNDISTURBED_LOOKS;
}

static bool looks_for_itself(void *arg)
{
    return opens >= *(int *)arg;
}

/* An agent that follows events/a.xml with one event, and has come to rest. */
static void begin(struct rig *r)
{
    static struct files_ops ops;
    char path[700];
    struct err e;

    rig_init(r);
    ops = *plat_files()->ops;
    ops.list = counting_list;
    ops.open = counting_open;
    watched_files = (struct files){ .ops = &ops };
    looks = opens = looks_at_open = 0;
    hang = false;
    snprintf(bundle_dir, sizeof bundle_dir, "%s/HV01", r->dir);
    ck_assert_int_eq(mkdir(bundle_dir, 0700), 0);
    snprintf(path, sizeof path, "%s/events", bundle_dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    put_event("a.xml", 1);
    r->options.files = &watched_files;
    r->config->bundles.count = 1;
    ck_assert(text_copy(r->config->bundles.items[0], sizeof r->config->bundles.items[0], bundle_dir));
    r->config->poll_ns = 20 * NS_PER_MS;
    r->config->kvp_deadline_ns = NS_PER_S;
    ck_assert_msg(rig_start(r, &e) == 0, "%s", e.text);
    rig_until(r, is_left_alone, NULL);
}

static void end(struct rig *r)
{
    rig_stop(r, AGENT_STOPPED);
    rig_free(r);
}

START_TEST(a_bundle_that_stands_still_is_looked_at_and_its_sources_are_not_woken)
{
    struct rig r;

    begin(&r); /* waits until it is so */
    ck_assert_int_ge(looks - looks_at_open, UNDISTURBED_LOOKS);
    end(&r);
}
END_TEST

START_TEST(a_new_event_and_a_new_file_are_seen)
{
    struct rig r;

    begin(&r);
    put_event("a.xml", 2);
    json_decref(rig_status_when(&r, "sources.0.observations", "3")); /* its state, and two events */
    put_event("b.xml", 3);
    json_decref(rig_status_when(&r, "sources.1.observations", "2"));
    put_event("b.xml", 4);
    json_decref(rig_status_when(&r, "sources.1.observations", "3"));
    rig_until(&r, is_left_alone, NULL);
    end(&r);
}
END_TEST

START_TEST(while_a_look_hangs_the_sources_look_for_themselves)
{
    struct rig r;
    int enough;

    begin(&r);
    enough = opens + 5;
    hang = true;
    rig_until(&r, looks_for_itself, &enough);
    hang = false;
    rig_until(&r, is_left_alone, NULL);
    end(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_bundle_that_stands_still_is_looked_at_and_its_sources_are_not_woken);
    suite_test(s, a_new_event_and_a_new_file_are_seen);
    suite_test(s, while_a_look_hangs_the_sources_look_for_themselves);
}

int main(void)
{
    return suite_main("agent: bundle watch", add);
}
