/* Who is trusted with a folder or file: the judgement over descriptors as they
 * stand on a real host, and folders that are taken over. */
#include "plat/paths.h"
#include "plat/trust.h"
#include "plat/win/rights.h"
#include "plat/win/wide.h"
#include "tests/support/suite.h"

#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { PATH_LEN = 2048 };

#define STRANGER  L"S-1-5-21-1-2-3-1001"
#define INSTALLER L"S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"

static const char *below(const char *dir, const char *name)
{
    static char path[2][PATH_LEN];
    static int next;
    char *out = path[next++ % 2];

    ck_assert_int_lt(snprintf(out, PATH_LEN, "%s/%s", dir, name), PATH_LEN);
    return out;
}

static int judge(const wchar_t *sddl, enum rights_rule rule, struct err *e)
{
    PSECURITY_DESCRIPTOR sd = NULL;
    int rc;

    ck_assert_msg(ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, &sd, NULL), "%ls", sddl);
    rc = rights_judge(sd, rule, "C:/x", e);
    LocalFree(sd);
    return rc;
}

START_TEST(every_rule_is_judged_by_owner_and_entries)
{
    static const struct {
        const wchar_t *sddl;
        enum rights_rule rule;
        int want;
    } rows[] = {
        { L"O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)", RIGHTS_PRIVATE, 0 },
        { L"O:SYD:P(A;;FA;;;SY)", RIGHTS_PRIVATE, 0 },
        { L"O:BAD:P(A;;FA;;;BA)(A;;FR;;;BU)", RIGHTS_PRIVATE, ERR_PERMISSION },
        { L"O:BAD:P(A;OICIIO;FA;;;AU)", RIGHTS_PRIVATE, ERR_PERMISSION },
        { L"O:BAD:P(A;OICIIO;FA;;;CO)", RIGHTS_PRIVATE, 0 },
        { L"O:BAD:P(A;;FA;;;BA)(A;;FR;;;BU)", RIGHTS_SECRET, ERR_PERMISSION },
        { L"O:BAD:P(A;;FA;;;BA)(A;;FR;;;BU)", RIGHTS_UNCHANGED, 0 },
        { L"O:BAD:P(A;;FA;;;BA)(A;;FW;;;BU)", RIGHTS_UNCHANGED, ERR_PERMISSION },
        { L"O:BAD:P(A;;FA;;;BA)(A;;SD;;;BU)", RIGHTS_UNCHANGED, ERR_PERMISSION },
        { L"O:BAD:P(A;;FA;;;BA)(A;;WD;;;BU)", RIGHTS_UNCHANGED, ERR_PERMISSION },
        { L"O:BAD:P(A;;FA;;;BA)(A;OICIIO;FA;;;BU)", RIGHTS_UNCHANGED, 0 },
        { L"O:" INSTALLER L"D:P(A;;FA;;;SY)(A;;FR;;;BU)", RIGHTS_UNCHANGED, 0 },
        { L"O:" STRANGER L"D:P(A;;FA;;;SY)", RIGHTS_UNCHANGED, ERR_PERMISSION },
        { L"O:" STRANGER L"D:P(A;;FA;;;SY)", RIGHTS_PRIVATE, ERR_PERMISSION },
        { L"O:" STRANGER L"D:P(A;;FA;;;SY)", RIGHTS_KEPT, ERR_PERMISSION },
        /* ProgramData: users make files and folders in it, but only their own go. */
        { L"O:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)(A;CI;DCLCRPCR;;;BU)", RIGHTS_KEPT, 0 },
        { L"O:SYD:P(A;OICI;FA;;;SY)(A;OICI;0x1301bf;;;AU)", RIGHTS_KEPT, ERR_PERMISSION },
        { L"O:SYD:P(A;;0x40;;;BU)", RIGHTS_KEPT, ERR_PERMISSION },
        { L"O:SY", RIGHTS_UNCHANGED, ERR_PERMISSION },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = { 0 };
        int got = judge(rows[i].sddl, rows[i].rule, &e);

        ck_assert_msg(got == rows[i].want, "row %d, %ls: %d, want %d (%s)", (int)i, rows[i].sddl, got, rows[i].want,
                      e.text);
    }
}
END_TEST

START_TEST(a_refusal_names_the_stranger_and_the_command_that_mends_it)
{
    struct err e;

    ck_assert_int_eq(judge(L"O:" STRANGER L"D:P(A;;FA;;;SY)", RIGHTS_UNCHANGED, &e), ERR_PERMISSION);
    ck_assert_msg(strstr(e.text, "S-1-5-21-1-2-3-1001") != NULL && strstr(e.text, "takeown /a /f \"C:/x\"") != NULL,
                  "%s", e.text);
    ck_assert_int_eq(judge(L"O:BAD:P(A;;FR;;;WD)", RIGHTS_SECRET, &e), ERR_PERMISSION);
    ck_assert_msg(strstr(e.text, "S-1-1-0") != NULL &&
                      strstr(e.text, "icacls \"C:/x\" /reset && icacls \"C:/x\" /inheritance:r") != NULL,
                  "%s", e.text);
}
END_TEST

START_TEST(the_services_own_rights_are_no_strangers)
{
    wchar_t sddl[RIGHTS_SDDL_MAX], sid[RIGHTS_SID_MAX];
    struct err e;

    ck_assert_int_eq(rights_service_sid(SERVICE_NAME, sid, &e), 0);
    swprintf(sddl, RIGHTS_SDDL_MAX, L"O:%lsD:P(A;;FA;;;%ls)", sid, sid);
    ck_assert_msg(judge(sddl, RIGHTS_PRIVATE, &e) == 0, "%s", e.text);
}
END_TEST

/* ---- on the disk ---- */

static void make_open_folder(const char *path)
{
    SECURITY_ATTRIBUTES open = { .nLength = sizeof open };
    wchar_t *wide;

    ck_assert_int_eq(wide_path(path, &wide, NULL), 0);
    ck_assert(ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:P(A;OICI;FA;;;WD)", SDDL_REVISION_1,
                                                                   &open.lpSecurityDescriptor, NULL));
    ck_assert(CreateDirectoryW(wide, &open));
    LocalFree(open.lpSecurityDescriptor);
    free(wide);
}

START_TEST(a_folder_that_everybody_had_is_taken_over)
{
    const char *path = below(temp_dir(), "data");
    struct err e;

    make_open_folder(path);
    ck_assert_int_eq(rights_check_folder(path, &e), ERR_PERMISSION);
    ck_assert_msg(rights_claim_folder(path, true, &e) == 0, "%s", e.text);
    ck_assert_msg(rights_check_folder(path, &e) == 0, "%s", e.text);
}
END_TEST

START_TEST(a_folder_that_is_missing_is_made_and_a_file_is_refused)
{
    const char *dir = temp_dir(), *path = below(dir, "data");
    struct err e;

    ck_assert_msg(rights_claim_folder(path, false, &e) == 0, "%s", e.text);
    ck_assert_msg(rights_check_folder(path, &e) == 0, "%s", e.text);
    ck_assert_int_eq(rights_claim_folder(write_file(dir, "f", "", 0), false, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, "not a folder"));
}
END_TEST

static bool make_link(const char *from, const char *to)
{
    wchar_t *wide_from, *wide_to;
    DWORD attributes = INVALID_FILE_ATTRIBUTES;

    ck_assert_int_eq(wide_path(from, &wide_from, NULL), 0);
    ck_assert_int_eq(wide_path(to, &wide_to, NULL), 0);
    if (CreateSymbolicLinkW(wide_from, wide_to, SYMBOLIC_LINK_FLAG_DIRECTORY))
        attributes = GetFileAttributesW(wide_from);
    free(wide_from);
    free(wide_to);
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
}

START_TEST(a_folder_that_leads_somewhere_else_is_refused)
{
    const char *dir = temp_dir(), *to = below(dir, "to"), *from = below(dir, "from");
    struct err e;

    make_open_folder(to);
    if (!make_link(from, to))
        skip("this system has no links between folders");
    ck_assert_int_eq(rights_claim_folder(from, true, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, "leads somewhere else"));
    ck_assert_int_eq(plat_private_dir(from, &e), ERR_INVALID);
    ck_assert_int_eq(rights_check_folder(to, NULL), ERR_PERMISSION); /* and nothing was done behind it */
}
END_TEST

/* Gives everybody everything. */
static void open_up(const char *path)
{
    PSECURITY_DESCRIPTOR sd;
    wchar_t *wide;

    ck_assert_int_eq(wide_path(path, &wide, NULL), 0);
    ck_assert(ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:P(A;;FA;;;WD)", SDDL_REVISION_1, &sd, NULL));
    ck_assert(SetFileSecurityW(wide, DACL_SECURITY_INFORMATION, sd));
    LocalFree(sd);
    free(wide);
}

START_TEST(settings_that_everybody_may_change_are_refused)
{
    const char *dir = below(temp_dir(), "data"), *path;
    struct err e;

    ck_assert_int_eq(rights_claim_folder(dir, true, &e), 0);
    path = write_file(dir, "agent.yaml", "", 0);
    ck_assert_msg(plat_trusted_file(path, TRUST_SETTINGS, &e) == 0, "%s", e.text);
    open_up(path);
    ck_assert_int_eq(plat_trusted_file(path, TRUST_SETTINGS, &e), ERR_PERMISSION);
    ck_assert_ptr_nonnull(strstr(e.text, "icacls"));
    ck_assert_int_eq(plat_trusted_file(path, TRUST_SECRET, &e), ERR_PERMISSION);
    ck_assert_int_eq(plat_trusted_file(below(dir, "none"), TRUST_SECRET, &e), 0);
}
END_TEST

START_TEST(a_file_in_a_folder_that_was_taken_over_is_closed_with_it)
{
    const char *dir = below(temp_dir(), "data"), *path;
    struct err e;

    ck_assert_int_eq(rights_claim_folder(dir, false, &e), 0);
    path = write_file(dir, "token", "", 0);
    open_up(path);
    ck_assert_int_eq(rights_claim_entry(path, false, false, &e), 0);
    ck_assert_int_eq(plat_trusted_file(path, TRUST_SECRET, &e), ERR_PERMISSION);
    ck_assert_msg(rights_claim_entry(path, true, false, &e) == 0, "%s", e.text);
    ck_assert_msg(plat_trusted_file(path, TRUST_SECRET, &e) == 0, "%s", e.text);
}
END_TEST

START_TEST(a_file_with_a_second_name_is_not_taken_over)
{
    const char *dir = temp_dir(), *path = write_file(dir, "one", "", 0), *other = below(dir, "two");
    struct err e;

    if (!CreateHardLinkA(other, path, NULL))
        skip("this file system has no hard links");
    ck_assert_int_eq(rights_claim_entry(path, true, false, &e), ERR_PERMISSION);
    ck_assert_msg(strstr(e.text, "another name") != NULL, "%s", e.text);
}
END_TEST

START_TEST(settings_in_a_folder_that_everybody_may_change_are_refused)
{
    const char *dir = below(temp_dir(), "data"), *path;
    struct err e;

    ck_assert_int_eq(rights_claim_folder(dir, true, &e), 0);
    path = write_file(dir, "agent.yaml", "", 0);
    open_up(dir);
    ck_assert_int_eq(plat_trusted_file(path, TRUST_SETTINGS, &e), ERR_PERMISSION);
    ck_assert_msg(strstr(e.text, "replaced") != NULL, "%s", e.text);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, every_rule_is_judged_by_owner_and_entries);
    suite_test(s, a_refusal_names_the_stranger_and_the_command_that_mends_it);
    suite_test(s, the_services_own_rights_are_no_strangers);
    suite_test(s, a_folder_that_everybody_had_is_taken_over);
    suite_test(s, a_folder_that_is_missing_is_made_and_a_file_is_refused);
    suite_test(s, a_folder_that_leads_somewhere_else_is_refused);
    suite_test(s, settings_that_everybody_may_change_are_refused);
    suite_test(s, a_file_in_a_folder_that_was_taken_over_is_closed_with_it);
    suite_test(s, a_file_with_a_second_name_is_not_taken_over);
    suite_test(s, settings_in_a_folder_that_everybody_may_change_are_refused);
}

int main(void)
{
    return suite_main("win: rights", add);
}
