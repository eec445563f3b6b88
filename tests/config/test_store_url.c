/* Where the fleet store is: files and URLs, and that no password gets into a message. */
#include "config/store_url.h"
#include "tests/support/suite.h"

#include <string.h>

START_TEST(a_url_is_told_from_a_file_by_its_scheme)
{
    ck_assert_int_eq(store_is_postgres("postgresql://host/fleet"), 1);
    ck_assert_int_eq(store_is_postgres("POSTGRES://host/fleet"), 1);
    ck_assert_int_eq(store_is_postgres("/var/lib/hvhub/postgresql://x"), 0);
    ck_assert_int_eq(store_is_postgres("postgresql"), 0);
    ck_assert_int_eq(store_is_postgres(""), 0);
}
END_TEST

START_TEST(the_name_of_a_url_has_neither_user_nor_password_nor_parameters)
{
    static const char *const cases[][2] = {
        { "/var/lib/hvhub/fleet.db", "/var/lib/hvhub/fleet.db" },
        { "postgresql://db.example/fleet", "postgresql://db.example/fleet" },
        { "postgres://hv:secret@db.example:5432/fleet", "postgresql://db.example:5432/fleet" },
        { "postgresql://hv:se@cr@et@db/fleet?sslmode=require", "postgresql://db/fleet" },
        { "postgresql://db/fleet?user=hv&password=secret@x", "postgresql://db/fleet" },
        { "postgresql://hv:se/cret@a,b:5433/fleet?x=@", "postgresql://a,b:5433/fleet" },
        { "postgresql:///fleet?host=/run/postgresql", "postgresql:///fleet" },
    };
    char name[128];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        store_path_name(cases[i][0], name, sizeof name);
        ck_assert_str_eq(name, cases[i][1]);
    }
}
END_TEST

START_TEST(a_name_that_does_not_fit_is_cut)
{
    char name[20];

    store_path_name("postgresql://a-long-name.example/fleet", name, sizeof name);
    ck_assert_str_eq(name, "postgresql://a-long");
}
END_TEST

START_TEST(blanks_fragments_and_empty_urls_are_refused_without_showing_the_url)
{
    static const char *const wrong[] = { "postgresql://", "postgresql://hv:sec ret@db/fleet", "postgres://h/secret#1",
                                         "postgresql://secret\n/x" };
    struct err e;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(store_path_check(wrong[i], &e), ERR_INVALID);
        ck_assert_msg(strstr(e.text, "secret") == NULL && strstr(e.text, "sec ret") == NULL, "%s", e.text);
    }
    ck_assert_int_eq(store_path_check("postgresql://hv@db/fleet?sslmode=verify-full", &e), 0);
    ck_assert_int_eq(store_path_check("/a file/with #blanks", &e), 0);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_url_is_told_from_a_file_by_its_scheme);
    suite_test(s, the_name_of_a_url_has_neither_user_nor_password_nor_parameters);
    suite_test(s, a_name_that_does_not_fit_is_cut);
    suite_test(s, blanks_fragments_and_empty_urls_are_refused_without_showing_the_url);
}

int main(void)
{
    return suite_main("config: where the store is", add);
}
