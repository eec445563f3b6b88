/* What of the event channels is asked for, against the rules that know what to
 * do with it: the two tables are in different rooms. */
#include "collectors/event_rules.h"
#include "plat/event_channel_table.h"
#include "tests/support/suite.h"

#include <string.h>

static bool has_id(const struct channel_pick *pick, uint32_t id)
{
    for (int i = 0; i < CHANNEL_PICK_IDS && pick->ids[i] != 0; i++) {
        if ((uint32_t)pick->ids[i] == id)
            return true;
    }
    return pick->ids[0] == 0;
}

static bool is_end(const struct channel_pick *pick)
{
    return pick->provider == NULL && pick->ids[0] == 0;
}

START_TEST(every_provider_that_is_asked_for_is_watched)
{
    for (size_t i = 0; i < wanted_channel_count; i++) {
        for (const struct channel_pick *p = wanted_channels[i].picks; p != NULL && !is_end(p); p++) {
            const struct event_provider *provider = p->provider != NULL ? event_provider_find(p->provider) : NULL;

            ck_assert_msg(p->provider == NULL || provider != NULL, "%s: nobody watches %s", wanted_channels[i].name,
                          p->provider);
            ck_assert_msg(provider == NULL || provider->watch != WATCH_NOT, "%s", p->provider);
        }
    }
}
END_TEST

START_TEST(every_event_that_is_asked_for_by_its_id_has_a_rule)
{
    for (size_t i = 0; i < wanted_channel_count; i++) {
        for (const struct channel_pick *p = wanted_channels[i].picks; p != NULL && !is_end(p); p++) {
            for (int n = 0; p->provider != NULL && n < CHANNEL_PICK_IDS && p->ids[n] != 0; n++) {
                size_t count = 0;

                event_rules_find(event_provider_find(p->provider), (uint32_t)p->ids[n], &count);
                ck_assert_msg(count > 0, "%s: no rule for %d of %s", wanted_channels[i].name, p->ids[n], p->provider);
            }
        }
    }
}
END_TEST

START_TEST(every_rule_of_a_provider_whose_channel_is_filtered_is_asked_for)
{
    for (size_t i = 0; i < wanted_channel_count; i++) {
        for (const struct channel_pick *p = wanted_channels[i].picks; p != NULL && !is_end(p); p++) {
            const struct event_provider *provider = p->provider != NULL ? event_provider_find(p->provider) : NULL;

            for (size_t n = 0; provider != NULL && provider->rules != NULL && n < provider->rules->count; n++)
                ck_assert_msg(has_id(p, provider->rules->rules[n].id), "%s: %u of %s is not asked for",
                              wanted_channels[i].name, provider->rules->rules[n].id, p->provider);
        }
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, every_provider_that_is_asked_for_is_watched);
    suite_test(s, every_event_that_is_asked_for_by_its_id_has_a_rule);
    suite_test(s, every_rule_of_a_provider_whose_channel_is_filtered_is_asked_for);
}

int main(void)
{
    return suite_main("collectors: event channels", add);
}
