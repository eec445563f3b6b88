#include "plat/smbios.h"
#include "tests/support/suite.h"

#include <string.h>

enum { TABLE_MAX = 256 };

/* A head, a BIOS structure with a string, a system structure with this UUID, an
 * end; the length goes to *len. */
static const unsigned char *table_with(const unsigned char uuid[16], size_t *len)
{
    static unsigned char t[TABLE_MAX];
    size_t n = 8;

    memset(t, 0, sizeof t);
    memcpy(t + n, "\x00\x06\x00\x00\x01\x00Maker\x00\x00", 13);
    n += 13;
    memcpy(t + n, "\x01\x1b\x01\x00\x01\x02\x00\x00", 8);
    memcpy(t + n + 8, uuid, 16);
    n += 0x1b + 2;
    memcpy(t + n, "\x7f\x04\x02\x00\x00\x00", 6);
    n += 6;
    t[4] = (unsigned char)(n - 8);
    *len = n;
    return t;
}

static bool finds(const unsigned char uuid[16], char out[GUID_TEXT_MAX])
{
    size_t len;
    const unsigned char *t = table_with(uuid, &len);

    return smbios_uuid(t, len, out);
}

static const unsigned char good[16] = { 0x44, 0x45, 0x4c, 0x4c, 0x51, 0x00, 0x10, 0x30,
                                        0x80, 0x52, 0xb4, 0xc0, 0x4f, 0x4a, 0x4a, 0x32 };

START_TEST(the_uuid_is_read_with_its_first_fields_turned)
{
    char out[GUID_TEXT_MAX];
    size_t len;
    const unsigned char *t = table_with(good, &len);

    ck_assert(smbios_uuid(t, len, out));
    ck_assert_str_eq(out, "4C4C4544-0051-3010-8052-B4C04F4A4A32");
}
END_TEST

START_TEST(what_makers_leave_in_many_machines_is_none)
{
    static const unsigned char zero[16] = { 0 };
    static const unsigned char counting[16] = { 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9 };
    unsigned char ones[16];
    char out[GUID_TEXT_MAX] = "x";

    memset(ones, 0xff, sizeof ones);
    ck_assert(!finds(zero, out));
    ck_assert_str_eq(out, "");
    ck_assert(!finds(ones, out));
    ck_assert(!finds(counting, out));
}
END_TEST

START_TEST(a_table_cut_anywhere_before_the_uuid_ends_has_none)
{
    char out[GUID_TEXT_MAX];
    size_t len;
    const unsigned char *t = table_with(good, &len);
    unsigned char copy[TABLE_MAX];

    for (size_t cut = 0; cut < 8 + 13 + 0x1b; cut++) {
        memcpy(copy, t, len);
        if (cut >= 8)
            copy[4] = (unsigned char)(cut - 8);
        ck_assert_msg(!smbios_uuid(copy, cut, out), "cut at %zu", cut);
        ck_assert_str_eq(out, "");
    }
    ck_assert(!smbios_uuid(t, len - 1, out)); /* the head tells of more than there is */
}
END_TEST

START_TEST(a_structure_shorter_than_its_head_ends_the_search)
{
    char out[GUID_TEXT_MAX];
    size_t len;
    unsigned char copy[TABLE_MAX];

    memcpy(copy, table_with(good, &len), TABLE_MAX);
    copy[9] = 0;
    ck_assert(!smbios_uuid(copy, len, out));
    copy[9] = 200;
    ck_assert(!smbios_uuid(copy, len, out));
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_uuid_is_read_with_its_first_fields_turned);
    suite_test(s, what_makers_leave_in_many_machines_is_none);
    suite_test(s, a_table_cut_anywhere_before_the_uuid_ends_has_none);
    suite_test(s, a_structure_shorter_than_its_head_ends_the_search);
}

int main(void)
{
    return suite_main("plat: smbios", add);
}
