/* Who may speak: addresses, tokens, certificates. */
#include "base/buf.h"
#include "hub/auth.h"
#include "tests/support/suite.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_A "0123456789abcdef-token-a"
#define TOKEN_B "0123456789abcdef-token-b"

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage ss = { 0 };
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&ss;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&ss;

    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        ss.ss_family = AF_INET;
    } else {
        ss.ss_family = AF_INET6;
        ck_assert_int_eq(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
    }
    return ss;
}

static bool loopback(const char *text)
{
    struct sockaddr_storage ss = address(text);

    return auth_is_loopback((const struct sockaddr *)&ss);
}

static struct auth *auth_with(const char *file_text)
{
    struct auth *a = NULL;
    struct err e = { 0 };

    ck_assert_int_eq(auth_new(&a, &e), 0);
    if (file_text != NULL) {
        const char *path = write_file(temp_dir(), "tokens", file_text, strlen(file_text));

        ck_assert_msg(auth_load(a, path, &e) == 0, "%s", e.text);
    }
    return a;
}

static bool allows(struct auth *a, const char *from, bool certificate, const char *authorization)
{
    struct sockaddr_storage ss = address(from);
    struct auth_claim claim = { (const struct sockaddr *)&ss, certificate, authorization, false };

    return auth_allows(a, &claim);
}

START_TEST(loopback_is_127_8_and_one_and_nothing_else)
{
    ck_assert(loopback("127.0.0.1"));
    ck_assert(loopback("127.255.3.4"));
    ck_assert(loopback("::1"));
    ck_assert(loopback("::ffff:127.0.0.1"));
    ck_assert(!loopback("128.0.0.1"));
    ck_assert(!loopback("10.0.0.1"));
    ck_assert(!loopback("0.0.0.0"));
    ck_assert(!loopback("::"));
    ck_assert(!loopback("::2"));
    ck_assert(!loopback("::ffff:10.0.0.1"));
    ck_assert(!loopback("fe80::1"));
    ck_assert(!auth_is_loopback(NULL));
}
END_TEST

START_TEST(loopback_needs_nothing_and_others_need_a_token_or_a_certificate)
{
    struct auth *a = auth_with(TOKEN_A "\n");

    ck_assert(allows(a, "127.0.0.1", false, NULL));
    ck_assert(!allows(a, "192.0.2.7", false, NULL));
    ck_assert(allows(a, "192.0.2.7", false, "Bearer " TOKEN_A));
    ck_assert(allows(a, "192.0.2.7", false, "bearer  " TOKEN_A));
    ck_assert(allows(a, "192.0.2.7", true, NULL));
    auth_free(a);
}
END_TEST

START_TEST(a_wrong_token_is_refused_from_everywhere)
{
    struct auth *a = auth_with(TOKEN_A "\n");

    ck_assert(!allows(a, "127.0.0.1", false, "Bearer " TOKEN_B));
    ck_assert(!allows(a, "192.0.2.7", false, "Bearer " TOKEN_B));
    ck_assert(!allows(a, "192.0.2.7", false, "Bearer "));
    ck_assert(!allows(a, "192.0.2.7", false, "Bearer " TOKEN_A "x"));
    ck_assert(!allows(a, "192.0.2.7", false, "Basic " TOKEN_A));
    ck_assert(!allows(a, "192.0.2.7", false, TOKEN_A));
    auth_free(a);
}
END_TEST

START_TEST(several_tokens_live_at_once_and_comments_are_passed_over)
{
    struct auth *a = auth_with("# cluster A\n" TOKEN_A "\r\n\n# cluster B\n" TOKEN_B);

    ck_assert(allows(a, "192.0.2.7", false, "Bearer " TOKEN_A));
    ck_assert(allows(a, "192.0.2.7", false, "Bearer " TOKEN_B));
    auth_free(a);
}
END_TEST

START_TEST(without_a_token_file_no_token_is_good)
{
    struct auth *a = auth_with(NULL);
    struct err e;

    ck_assert_int_eq(auth_load(a, "", &e), 0);
    ck_assert(!allows(a, "192.0.2.7", false, "Bearer " TOKEN_A));
    ck_assert(!allows(a, "192.0.2.7", false, "Bearer "));
    auth_free(a);
}
END_TEST

START_TEST(a_bad_token_file_leaves_the_tokens_in_force)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        { "short\n", ":1: a token needs 16 characters" },
        { "# nothing\n\n", "no token in it" },
        { TOKEN_A "\x7f\n", ":1: a token has printable characters" },
        { TOKEN_A "\nhas a blank in the middle\n", ":2: a token has printable characters" },
    };
    struct auth *a = auth_with(TOKEN_A "\n");
    struct err e = { 0 };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(auth_load(a, write_file(temp_dir(), "bad", bad[i].text, strlen(bad[i].text)), &e),
                         ERR_INVALID);
        ck_assert_msg(strstr(e.text, bad[i].part) != NULL, "%s", e.text);
    }
    ck_assert_int_eq(auth_load(a, "/nonexistent/tokens", &e), ERR_NOT_FOUND);
    ck_assert(allows(a, "192.0.2.7", false, "Bearer " TOKEN_A));
    auth_free(a);
}
END_TEST

/* Lines of this many letters, so many of them. */
static int load_lines(struct auth *a, size_t letters, int lines, struct err *e)
{
    struct buf text;
    const char *path;

    buf_init(&text, 64 * 1024 * 1024);
    for (int i = 0; i < lines; i++) {
        for (size_t n = 0; n < letters; n++)
            buf_char(&text, (char)('a' + (n == 0 ? i % 26 : 0)));
        buf_char(&text, '\n');
    }
    path = write_file(temp_dir(), "tokens", text.data, text.len);
    buf_free(&text);
    return auth_load(a, path, e);
}

START_TEST(tokens_are_bounded_in_length_and_in_number)
{
    static char shown[AUTH_TOKEN_MAX + 16];
    struct auth *a = auth_with(NULL);
    struct err e = { 0 };

    ck_assert_int_eq(load_lines(a, AUTH_TOKEN_MIN - 1, 1, &e), ERR_INVALID);
    ck_assert_msg(load_lines(a, AUTH_TOKEN_MIN, 1, &e) == 0, "%s", e.text);
    ck_assert(allows(a, "192.0.2.7", false, "Bearer aaaaaaaaaaaaaaaa"));
    ck_assert_msg(load_lines(a, AUTH_TOKEN_MAX, 1, &e) == 0, "%s", e.text);
    snprintf(shown, sizeof shown, "Bearer %0*d", AUTH_TOKEN_MAX, 0);
    memset(shown + strlen("Bearer "), 'a', AUTH_TOKEN_MAX);
    ck_assert(allows(a, "192.0.2.7", false, shown));
    ck_assert_int_eq(load_lines(a, AUTH_TOKEN_MAX + 1, 1, &e), ERR_INVALID);
    ck_assert_msg(strstr(e.text, ":1: the line is longer than 4096 characters") != NULL, "%s", e.text);
    ck_assert_msg(load_lines(a, AUTH_TOKEN_MIN, AUTH_TOKENS_MAX, &e) == 0, "%s", e.text);
    ck_assert_int_eq(load_lines(a, AUTH_TOKEN_MIN, AUTH_TOKENS_MAX + 1, &e), ERR_TOO_BIG);
    ck_assert_msg(strstr(e.text, ":4097: more than 4096 tokens") != NULL, "%s", e.text);
    ck_assert(allows(a, "192.0.2.7", false, "Bearer zaaaaaaaaaaaaaaa")); /* those before are in force */
    auth_free(a);
}
END_TEST

START_TEST(a_peer_of_no_internet_is_not_loopback)
{
    struct sockaddr_storage ss = { .ss_family = AF_UNIX };

    ck_assert(!auth_is_loopback((const struct sockaddr *)&ss));
}
END_TEST

START_TEST(a_certificate_that_will_not_do_is_refused_from_loopback_too)
{
    struct sockaddr_storage ss = address("127.0.0.1");
    struct auth_claim bad = { (const struct sockaddr *)&ss, false, NULL, true };
    struct auth *a = auth_with(TOKEN_A "\n");

    ck_assert(!auth_allows(a, &bad));
    bad.authorization = "Bearer " TOKEN_A;
    ck_assert(auth_allows(a, &bad));
    auth_free(a);
}
END_TEST

START_TEST(a_token_is_named_by_its_digest_and_never_by_its_text)
{
    char a[AUTH_NAME_MAX], b[AUTH_NAME_MAX];

    auth_token_name("Bearer " TOKEN_A, a);
    auth_token_name("bearer  " TOKEN_A, b);
    ck_assert_str_eq(a, b);
    ck_assert_ptr_null(strstr(a, TOKEN_A));
    auth_token_name("Bearer " TOKEN_B, b);
    ck_assert_str_ne(a, b);
    auth_token_name("Basic eDp5", b);
    ck_assert_str_eq(b, "");
    auth_token_name(NULL, b);
    ck_assert_str_eq(b, "");
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_certificate_that_will_not_do_is_refused_from_loopback_too);
    suite_test(s, a_token_is_named_by_its_digest_and_never_by_its_text);
    suite_test(s, loopback_is_127_8_and_one_and_nothing_else);
    suite_test(s, loopback_needs_nothing_and_others_need_a_token_or_a_certificate);
    suite_test(s, a_wrong_token_is_refused_from_everywhere);
    suite_test(s, several_tokens_live_at_once_and_comments_are_passed_over);
    suite_test(s, without_a_token_file_no_token_is_good);
    suite_test(s, tokens_are_bounded_in_length_and_in_number);
    suite_test(s, a_peer_of_no_internet_is_not_loopback);
    suite_test(s, a_bad_token_file_leaves_the_tokens_in_force);
}

int main(void)
{
    return suite_main("hub: who may speak", add);
}
