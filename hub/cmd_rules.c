/* hvhub rules list, hvhub rules test FILE: which rules there are, and what a file of rules would say of the
 * incidents that are stored. */
#include "base/text.h"
#include "base/times.h"
#include "hub/commands.h"
#include "hub/fleet_incidents.h"
#include "hub/fleet_report.h"
#include "hub/hub.h"
#include "hub/rules_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The rules of the config's folder, and of the file; problems go to stderr. */
static enum exit_code load_rules(const struct hub_config *config, const char *file, struct rules **out)
{
    struct err e = { 0 };
    struct buf problems;
    int rc;

    buf_init(&problems, RULES_PROBLEMS_MAX);
    rc = rules_folder_load(&config->incidents, file, out, &problems, &e);
    if (rc != 0 && problems.len > 0)
        fputs(buf_text(&problems), stderr);
    else if (rc != 0)
        fprintf(stderr, "hvhub rules: %s\n", e.text);
    buf_free(&problems);
    return rc == 0 ? EXIT_DONE : EXIT_USAGE;
}

static void list_rules(const struct rules *rules)
{
    for (size_t i = 0; i < rules_count(rules); i++)
        printf("%-28s %-4s %s\n", rules_id(rules, i), rules_enabled(rules, i) ? "" : "off", rules_title(rules, i));
}

/* ---- test ------------------------------------------------------------------------------- */

struct trying {
    const struct rules *rules;
    uint64_t incidents, changed;
    uint64_t before, after; /* findings */
    struct err e;
};

static bool holds(const struct incident_finding *list, int count, const struct incident_finding *f)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(list[i].rule, f->rule) == 0)
            return list[i].confidence == f->confidence;
    }
    return false;
}

/* The findings of `list` that are not among the others. */
static void print_differing(char mark, const struct incident_finding *list, int count,
                            const struct incident_finding *others, int other_count)
{
    for (int i = 0; i < count; i++) {
        if (holds(others, other_count, &list[i]))
            continue;
        printf("  %c %s (%s): %s\n", mark, list[i].rule, incident_confidence_name(list[i].confidence), list[i].text);
    }
}

static bool differ(const struct incident *i, const struct incident_finding *before, int before_count)
{
    for (int n = 0; n < i->finding_count; n++) {
        if (!holds(before, before_count, &i->findings[n]))
            return true;
    }
    for (int n = 0; n < before_count; n++) {
        if (!holds(i->findings, i->finding_count, &before[n]))
            return true;
    }
    return false;
}

static void print_change(const struct incident *i, const struct incident_finding *before, int before_count)
{
    char time[TIMES_TEXT_MAX], headline[INCIDENT_HEADLINE_MAX];

    incident_headline(i, headline, sizeof headline);
    printf("%s %s %s %s: %s\n", i->id, times_format(i->time, time), i->host_name,
           i->vm_name[0] != '\0' ? i->vm_name : "-", headline);
    print_differing('-', before, before_count, i->findings, i->finding_count);
    print_differing('+', i->findings, i->finding_count, before, before_count);
}

static int try_one(struct trying *t, struct fleet_store *store, struct incident *i)
{
    const struct incident_finding *before = i->findings;
    int before_count = i->finding_count;
    struct incident_surroundings around;
    int rc = fleet_store_surroundings(store, i, &around, &t->e);

    if (rc == 0)
        rc = rules_apply(t->rules, i, &around, &t->e); /* what was there before stays in the incident's memory */
    if (rc != 0)
        return rc;
    t->incidents++;
    t->before += (uint64_t)before_count;
    t->after += (uint64_t)i->finding_count;
    if (differ(i, before, before_count)) {
        t->changed++;
        print_change(i, before, before_count);
    }
    return 0;
}

static int try_all(struct trying *t, struct fleet_store *store, int64_t since_ns)
{
    struct fleet_incident_query q;
    struct incident_list list;
    uint64_t more;
    int rc;

    fleet_incident_query_all(&q);
    q.since_ns = since_ns;
    q.oldest_first = true;
    rc = fleet_store_incident_list(store, &q, &list, &more, &t->e);
    for (size_t i = 0; rc == 0 && i < list.count; i++)
        rc = try_one(t, store, list.items[i]);
    incident_list_free(&list);
    return rc;
}

static enum exit_code test_rules(const struct hub_config *config, const struct rules *rules, int64_t since_ns)
{
    struct fleet_store_options options = {
        .path = hub_store_path(config), .read_only = true, .floors = &config->floors, .clock = plat_clock()
    };
    struct trying t = { .rules = rules };
    struct fleet_store *store = NULL;
    int rc = fleet_store_open(&store, &options, &t.e);

    if (rc == 0)
        rc = try_all(&t, store, since_ns);
    fleet_store_close(store);
    if (rc != 0) {
        fprintf(stderr, "hvhub rules: %s\n", t.e.text);
        return EXIT_FAILED;
    }
    printf("%llu incidents, %llu with other findings (- as stored, + with these rules); %llu findings were, %llu would"
           " be\n",
           (unsigned long long)t.incidents, (unsigned long long)t.changed, (unsigned long long)t.before,
           (unsigned long long)t.after);
    return EXIT_DONE;
}

/* ---- the command ---------------------------------------------------------------------------- */

static enum exit_code wrong(const char *text)
{
    fprintf(stderr, "hvhub rules: %s\n", text);
    return EXIT_USAGE;
}

static enum exit_code run(const char *const *words, const char *since, const struct hub_config *config)
{
    int64_t now = plat_clock()->wall_ns(plat_clock()), since_ns = 0;
    bool testing = words[0] != NULL && strcmp(words[0], "test") == 0;
    struct rules *rules = NULL;
    enum exit_code code;

    if (!testing && (words[0] == NULL || strcmp(words[0], "list") != 0))
        return wrong("write list, or test FILE");
    if (testing != (words[1] != NULL))
        return wrong(testing ? "test wants a file of rules" : "list takes no file");
    if (since != NULL && (!testing || !report_since_parse(since, now, &since_ns)))
        return wrong("--since, of test: write a time in the past, 2026-01-31T08:00:00Z, or a length, 7d");
    code = load_rules(config, words[1], &rules);
    if (code == EXIT_DONE && testing)
        code = test_rules(config, rules, since_ns);
    else if (code == EXIT_DONE)
        list_rules(rules);
    rules_free(rules);
    return code;
}

int cmd_rules(int argc, char **argv)
{
    const char *since = NULL, *config_path = NULL, *words[3];
    const struct option_spec specs[] = { { "--since", &since }, { "--config", &config_path } };
    struct hub_config *config = malloc(sizeof *config);
    enum exit_code code = EXIT_FAILED;

    if (config == NULL)
        return EXIT_FAILED;
    if (!read_options(argc, argv, specs, sizeof specs / sizeof specs[0], words, 2))
        code = EXIT_USAGE;
    else
        code = load_config(config_path, config);
    if (code == EXIT_DONE)
        code = run(words, since, config);
    free(config);
    return code;
}
