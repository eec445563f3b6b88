/* What is held back of a guest's KVP items, from the names in the settings to
 * the observation that is stored and sent. */
#include "collectors/kvp_privacy.h"
#include "tests/collectors/support_kvp_run.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define KVP  "Msvm_KvpExchangeComponent"
#define NAME "sql01.example.com"

static const char *const items[] = {
    "FullyQualifiedDomainName",
    NAME,
    "OSName",
    "Windows Server 2012 R2 Standard",
    "OSVersion",
    "6.3.9600",
    "OSBuildNumber",
    "9600",
    "OSPlatformId",
    "2",
    "ProcessorArchitecture",
    "9",
    "CSDVersion",
    "Service Pack 1",
    "IntegrationServicesVersion",
    "6.3.9600.18692",
    "NetworkAddressIPv4",
    "192.0.2.7",
    "NetworkAddressIPv6",
    "2001:db8::7",
    NULL,
};
static const char *const custom_items[] = { "AssetTag", "A-1", "OSName", "my own", "Password", "hunter2", NULL };

static struct agent_config_privacy privacy;

static void held_back(const char *keep, const char *hash, const char *key)
{
    memset(&privacy, 0, sizeof privacy);
    snprintf(privacy.keep, sizeof privacy.keep, "%s", keep);
    snprintf(privacy.hash, sizeof privacy.hash, "%s", hash);
    if (key != NULL)
        snprintf(privacy.hash_key_file, sizeof privacy.hash_key_file, "%s",
                 write_file(temp_dir(), "hash.key", key, strlen(key)));
}

static void add_guest(struct kvp_run *r, unsigned n)
{
    char name[32];

    snprintf(name, sizeof name, "VM%u", n);
    xml_system(kvp_run_text(r, "Msvm_ComputerSystem"), vm_guid(n), name, 2);
    xml_kvp_begin(kvp_run_text(r, KVP), vm_guid(n));
    xml_kvp_items(kvp_run_text(r, KVP), "GuestIntrinsicExchangeItems", items);
    xml_kvp_items(kvp_run_text(r, KVP), "GuestExchangeItems", custom_items);
    xml_kvp_end(kvp_run_text(r, KVP));
}

/* One guest, polled with those settings. */
static const struct observation *taken(struct kvp_run *r)
{
    kvp_run_init_private(r, &privacy);
    add_guest(r, 1);
    kvp_run_take(r);
    ck_assert_ptr_nonnull(kvp_run_guest(r, 1));
    return kvp_run_guest(r, 1);
}

/* Whether the text is anywhere in the observation. */
static bool tells(const struct observation *o, const char *text)
{
    bool found = strstr(o->body, text) != NULL;

    for (int i = 0; i < o->attr_count; i++)
        found |= strstr(o->attrs[i].key, text) != NULL ||
                 (o->attrs[i].type == ATTR_STRING && strstr(obs_get_str(o, o->attrs[i].key), text) != NULL);
    return found;
}

static void drift_is_told(const struct observation *o)
{
    for (int i = 0; i < KVP_ITEM_COUNT; i++) {
        const char *name = kvp_item_name((enum kvp_item)i), *want = NULL;

        for (int k = 0; items[k] != NULL; k += 2)
            want = strcmp(items[k], name) == 0 ? items[k + 1] : want;
        if (i != KVP_FQDN)
            ck_assert_str_eq(kvp_value(o, name), want);
    }
}

START_TEST(without_settings_everything_is_taken_as_it_is)
{
    struct kvp_run r;
    const struct observation *o;

    held_back("", "", NULL);
    o = taken(&r);
    drift_is_told(o);
    ck_assert_str_eq(kvp_value(o, "FullyQualifiedDomainName"), NAME);
    ck_assert_str_eq(kvp_value(o, "custom.Password"), "hunter2");
    kvp_run_free(&r);
}
END_TEST

START_TEST(only_listed_items_and_those_that_decide_drift_are_taken)
{
    struct kvp_run r;
    const struct observation *o;

    held_back("NetworkAddressIPv4\ncustom.AssetTag", "", NULL);
    o = taken(&r);
    drift_is_told(o);
    ck_assert_str_eq(kvp_value(o, "NetworkAddressIPv4"), "192.0.2.7");
    ck_assert_str_eq(kvp_value(o, "custom.AssetTag"), "A-1");
    ck_assert(!tells(o, NAME));
    ck_assert(!tells(o, "2001:db8::7"));
    ck_assert(!tells(o, "hunter2"));
    ck_assert(!tells(o, "Password"));
    ck_assert(!tells(o, "my own")); /* a custom item of a name that decides drift decides nothing */
    ck_assert_ptr_null(obs_attr(o, ATTR_KVP_PROBLEM));
    kvp_run_free(&r);
}
END_TEST

/* The same text as an item that may be told, to the byte. */
START_TEST(a_custom_item_is_no_intrinsic_one_that_says_the_same)
{
    static const char *const same[] = { "Owner", "Jos\xC3\xA9", NULL };
    const struct observation *o;
    struct kvp_run r;

    held_back("Owner", "", NULL);
    kvp_run_init_private(&r, &privacy);
    xml_system(kvp_run_text(&r, "Msvm_ComputerSystem"), vm_guid(1), "VM1", 2);
    xml_kvp_begin(kvp_run_text(&r, KVP), vm_guid(1));
    xml_kvp_items(kvp_run_text(&r, KVP), "GuestIntrinsicExchangeItems", same);
    xml_kvp_items(kvp_run_text(&r, KVP), "GuestExchangeItems", same);
    xml_kvp_end(kvp_run_text(&r, KVP));
    kvp_run_take(&r);
    o = kvp_run_guest(&r, 1);
    ck_assert_ptr_nonnull(o);
    ck_assert_str_eq(kvp_value(o, "Owner"), "Jos\xC3\xA9");
    ck_assert_ptr_null(obs_attr(o, ATTR_KVP_PREFIX "custom.Owner"));
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_star_stands_for_any_rest_of_a_name)
{
    struct kvp_run r;
    const struct observation *o;

    held_back("Network*\ncustom.*", "", NULL);
    o = taken(&r);
    ck_assert_str_eq(kvp_value(o, "NetworkAddressIPv6"), "2001:db8::7");
    ck_assert_str_eq(kvp_value(o, "custom.Password"), "hunter2");
    ck_assert(!tells(o, NAME));
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_hashed_item_is_a_digest_and_nowhere_the_value)
{
    struct kvp_run r;
    const struct observation *o;

    held_back("", "FullyQualifiedDomainName\nNetworkAddress*\ncustom.*", "0123456789abcdef\n");
    o = taken(&r);
    drift_is_told(o);
    ck_assert(!tells(o, NAME));
    ck_assert(!tells(o, "192.0.2.7"));
    ck_assert(!tells(o, "hunter2"));
    /* printf 'FullyQualifiedDomainName\0sql01.example.com' | openssl dgst -sha256 -hmac 0123456789abcdef */
    ck_assert_str_eq(kvp_value(o, "FullyQualifiedDomainName"), "hmac:5d3d575e9152c5c4a4c6186f213ce4ee");
    ck_assert_int_eq((int)strlen(kvp_value(o, "custom.Password")), KVP_DIGEST_TEXT_MAX - 1);
    kvp_run_free(&r);
}
END_TEST

START_TEST(equal_values_have_equal_digests_under_one_key_alone)
{
    struct kvp_run r, other;
    char first[KVP_DIGEST_TEXT_MAX];
    const struct observation *o;

    held_back("", "FullyQualifiedDomainName\ncustom.AssetTag", "0123456789abcdef");
    kvp_run_init_private(&r, &privacy);
    add_guest(&r, 1);
    add_guest(&r, 2);
    kvp_run_take(&r);
    snprintf(first, sizeof first, "%s", kvp_value(kvp_run_guest(&r, 1), "FullyQualifiedDomainName"));
    ck_assert_str_eq(kvp_value(kvp_run_guest(&r, 2), "FullyQualifiedDomainName"), first);
    kvp_run_free(&r);

    held_back("", "FullyQualifiedDomainName", "fedcba9876543210");
    o = taken(&other);
    ck_assert_str_ne(kvp_value(o, "FullyQualifiedDomainName"), first);
    kvp_run_free(&other);
}
END_TEST

START_TEST(two_items_do_not_tell_that_they_hold_the_same)
{
    char a[KVP_DIGEST_TEXT_MAX], b[KVP_DIGEST_TEXT_MAX];
    struct kvp_privacy p;

    held_back("", "*", "0123456789abcdef");
    kvp_privacy_init(&p, &privacy);
    ck_assert_int_eq(kvp_privacy_ready(&p, plat_files(), NULL), 0);
    ck_assert(kvp_privacy_digest(&p, "a", false, "same", 4, a));
    ck_assert(kvp_privacy_digest(&p, "b", false, "same", 4, b));
    ck_assert_str_ne(a, b);
    ck_assert(kvp_privacy_digest(&p, "a", true, "same", 4, b));
    ck_assert_str_ne(a, b);
}
END_TEST

START_TEST(what_is_both_listed_and_hashed_is_hashed)
{
    struct kvp_privacy p;

    held_back("custom.*\nFullyQualifiedDomainName", "FullyQualifiedDomainName\ncustom.Pass*", NULL);
    kvp_privacy_init(&p, &privacy);
    ck_assert_int_eq(kvp_privacy_of(&p, "FullyQualifiedDomainName", false), KVP_DIGEST);
    ck_assert_int_eq(kvp_privacy_of(&p, "FullyQualifiedDomainName", true), KVP_AS_IT_IS);
    ck_assert_int_eq(kvp_privacy_of(&p, "Password", true), KVP_DIGEST);
    ck_assert_int_eq(kvp_privacy_of(&p, "Password", false), KVP_LEFT_OUT);
    ck_assert_int_eq(kvp_privacy_of(&p, "custom.Password", false), KVP_DIGEST); /* shipped under the same name */
    ck_assert_int_eq(kvp_privacy_of(&p, "FullyQualifiedDomainNam", false), KVP_LEFT_OUT);
}
END_TEST

START_TEST(no_guest_is_told_while_the_key_can_not_be_read)
{
    const char *dir = temp_dir();
    struct kvp_run r;

    held_back("", "FullyQualifiedDomainName", NULL);
    snprintf(privacy.hash_key_file, sizeof privacy.hash_key_file, "%s/no-such.key", dir);
    kvp_run_init_private(&r, &privacy);
    add_guest(&r, 1);
    ck_assert_int_eq(kvp_run_step(&r), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(r.e.text, "no-such.key"));
    ck_assert_int_eq(r.batch.count, 0);
    ck_assert_int_eq(r.wmi.polls, 0);

    write_file(dir, "no-such.key", "short", 5);
    ck_assert_int_eq(kvp_run_step(&r), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(r.e.text, "16 to 1024 bytes"));
    ck_assert_int_eq(r.batch.count, 0);

    write_file(dir, "no-such.key", "0123456789abcdef", 16);
    kvp_run_take(&r);
    ck_assert(!tells(kvp_run_guest(&r, 1), NAME));
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_guest_is_told_again_when_the_settings_hold_more_back)
{
    struct kvp_run r;

    held_back("", "", NULL);
    kvp_run_init_private(&r, &privacy);
    add_guest(&r, 1);
    kvp_run_take(&r);
    ck_assert_ptr_nonnull(kvp_run_guest(&r, 1));
    kvp_run_restart(&r);
    kvp_run_take(&r);
    ck_assert_ptr_null(kvp_run_guest(&r, 1)); /* nothing has changed */
    held_back("OSName", "", NULL);
    kvp_run_restart(&r);
    kvp_run_take(&r);
    ck_assert_ptr_nonnull(kvp_run_guest(&r, 1));
    ck_assert(!tells(kvp_run_guest(&r, 1), NAME));
    kvp_run_free(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, without_settings_everything_is_taken_as_it_is);
    suite_test(s, only_listed_items_and_those_that_decide_drift_are_taken);
    suite_test(s, a_custom_item_is_no_intrinsic_one_that_says_the_same);
    suite_test(s, a_star_stands_for_any_rest_of_a_name);
    suite_test(s, a_hashed_item_is_a_digest_and_nowhere_the_value);
    suite_test(s, equal_values_have_equal_digests_under_one_key_alone);
    suite_test(s, two_items_do_not_tell_that_they_hold_the_same);
    suite_test(s, what_is_both_listed_and_hashed_is_hashed);
    suite_test(s, no_guest_is_told_while_the_key_can_not_be_read);
    suite_test(s, a_guest_is_told_again_when_the_settings_hold_more_back);
}

int main(void)
{
    return suite_main("collectors: KVP privacy", add);
}
