/* See rights.h.  The checks are rights_check.c. */
#include "plat/win/rights.h"

#include "plat/win/wide.h"
#include "plat/win/win_error.h"

#include <aclapi.h>
#include <assert.h>
#include <bcrypt.h>
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHA1_BYTES = 20, TOKEN_USER_MAX = 256, DOMAIN_MAX = 256, NAME_MAX_WIDE = 256 };

int rights_sid_text(PSID sid, wchar_t out[RIGHTS_SID_MAX], struct err *e)
{
    wchar_t *text = NULL;

    if (!ConvertSidToStringSidW(sid, &text))
        return err_win(e, GetLastError(), "a security identifier");
    assert(wcslen(text) < RIGHTS_SID_MAX);
    memcpy(out, text, (wcslen(text) + 1) * sizeof *text);
    LocalFree(text);
    return 0;
}

int rights_own_sid(wchar_t out[RIGHTS_SID_MAX], struct err *e)
{
    union {
        TOKEN_USER user;
        unsigned char bytes[TOKEN_USER_MAX];
    } u;
    HANDLE token = NULL;
    DWORD n = 0;
    int rc;

    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
        return err_win(e, GetLastError(), "the account this runs as");
    if (GetTokenInformation(token, TokenUser, &u, sizeof u, &n))
        rc = rights_sid_text(u.user.User.Sid, out, e);
    else
        rc = err_win(e, GetLastError(), "the account this runs as");
    CloseHandle(token);
    return rc;
}

int rights_account_sid(const char *name, wchar_t out[RIGHTS_SID_MAX], struct err *e)
{
    unsigned char sid[SECURITY_MAX_SID_SIZE];
    wchar_t *wide, domain[DOMAIN_MAX];
    DWORD sid_size = sizeof sid, domain_size = DOMAIN_MAX;
    SID_NAME_USE use;
    int rc = wide_from_utf8(name, &wide, e);

    if (rc != 0)
        return rc;
    if (LookupAccountNameW(NULL, wide, sid, &sid_size, domain, &domain_size, &use))
        rc = rights_sid_text(sid, out, e);
    else
        rc = err_win(e, GetLastError(), "there is no account or group \"%s\"", name);
    free(wide);
    return rc;
}

static bool sha1(const void *bytes, size_t len, unsigned char out[SHA1_BYTES])
{
    BCRYPT_ALG_HANDLE alg = NULL;
    BCRYPT_HASH_HANDLE hash = NULL;
    bool good = BCryptOpenAlgorithmProvider(&alg, BCRYPT_SHA1_ALGORITHM, NULL, 0) == 0 &&
                BCryptCreateHash(alg, &hash, NULL, 0, NULL, 0, 0) == 0 &&
                BCryptHashData(hash, (PUCHAR)bytes, (ULONG)len, 0) == 0 &&
                BCryptFinishHash(hash, out, SHA1_BYTES, 0) == 0;

    if (hash != NULL)
        BCryptDestroyHash(hash);
    if (alg != NULL)
        BCryptCloseAlgorithmProvider(alg, 0);
    return good;
}

int rights_service_sid(const wchar_t *name, wchar_t out[RIGHTS_SID_MAX], struct err *e)
{
    wchar_t upper[NAME_MAX_WIDE];
    unsigned char digest[SHA1_BYTES];
    DWORD part[SHA1_BYTES / 4];
    size_t n = wcslen(name);

    if (n >= NAME_MAX_WIDE)
        return err_set(e, ERR_TOO_BIG, "the service's name is too long");
    memcpy(upper, name, (n + 1) * sizeof *upper);
    CharUpperBuffW(upper, (DWORD)n);
    if (!sha1(upper, n * sizeof *upper, digest))
        return err_set(e, ERR_UNSUPPORTED, "this system has no SHA-1");
    memcpy(part, digest, sizeof digest); /* little-endian, as this machine is */
    swprintf(out, RIGHTS_SID_MAX, L"S-1-5-80-%lu-%lu-%lu-%lu-%lu", part[0], part[1], part[2], part[3], part[4]);
    return 0;
}

/* ---- folders ---- */

static bool is_administrator(void)
{
    BOOL member = FALSE;
    PSID group = NULL;

    if (!ConvertStringSidToSidW(L"S-1-5-32-544", &group))
        return false;
    if (!CheckTokenMembership(NULL, group, &member))
        member = FALSE;
    LocalFree(group);
    return member;
}

/* An administrator gets nothing of his own: he has his rights by his group, and
 * to the service his own would be a stranger's. */
static int folder_sddl(bool service_may_change, wchar_t out[RIGHTS_SDDL_MAX], struct err *e)
{
    wchar_t service[RIGHTS_SID_MAX], own[RIGHTS_SID_MAX];
    int rc = rights_service_sid(SERVICE_NAME, service, e), n;

    if (rc == 0)
        rc = rights_own_sid(own, e);
    if (rc != 0)
        return rc;
    n = swprintf(out, RIGHTS_SDDL_MAX, L"D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;%ls;;;%ls)",
                 service_may_change ? L"0x1301bf" /* modify */ : L"FRFX", service);
    if (!is_administrator())
        swprintf(out + n, RIGHTS_SDDL_MAX - (size_t)n, L"(A;OICI;FA;;;%ls)", own);
    return 0;
}

static int descriptor(const wchar_t *sddl, PSECURITY_DESCRIPTOR *out, struct err *e)
{
    if (ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, out, NULL))
        return 0;
    return err_win(e, GetLastError(), "rights");
}

/* One level. */
static int make_folder(const char *path, const wchar_t *wide, PSECURITY_DESCRIPTOR sd, bool *made, struct err *e)
{
    SECURITY_ATTRIBUTES attributes = { .nLength = sizeof attributes, .lpSecurityDescriptor = sd };

    *made = CreateDirectoryW(wide, &attributes) != 0;
    if (*made || GetLastError() == ERROR_ALREADY_EXISTS)
        return 0;
    return err_win(e, GetLastError(), "cannot make the folder %s", path);
}

int rights_make_folder(const char *path, bool service_may_change, bool *made, struct err *e)
{
    wchar_t sddl[RIGHTS_SDDL_MAX], *wide = NULL;
    PSECURITY_DESCRIPTOR sd = NULL;
    int rc = folder_sddl(service_may_change, sddl, e);

    *made = false;
    if (rc == 0)
        rc = wide_path(path, &wide, e);
    if (rc == 0)
        rc = descriptor(sddl, &sd, e);
    if (rc == 0)
        rc = make_folder(path, wide, sd, made, e);
    if (sd != NULL)
        LocalFree(sd);
    free(wide);
    return rc;
}

/* ---- taking a folder over ---- */

/* With these, and an open for backup, no rights of a stranger's are in the way. */
static void enable_privileges(void)
{
    static const wchar_t *const names[] = { SE_TAKE_OWNERSHIP_NAME, SE_RESTORE_NAME, SE_BACKUP_NAME };
    HANDLE token;

    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token))
        return;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        TOKEN_PRIVILEGES one = { .PrivilegeCount = 1 };

        one.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
        if (LookupPrivilegeValueW(NULL, names[i], &one.Privileges[0].Luid))
            AdjustTokenPrivileges(token, FALSE, &one, 0, NULL, NULL);
    }
    CloseHandle(token);
}

/* The first call hands the rights down to what is in the folder; the second says
 * what the folder's own are, to which Wine's first adds those of its parent. */
static int set_all(HANDLE h, PSECURITY_DESCRIPTOR sd, const char *path, struct err *e)
{
    BOOL present = FALSE, defaulted;
    PACL dacl = NULL;
    DWORD code;

    if (!GetSecurityDescriptorDacl(sd, &present, &dacl, &defaulted) ||
        !SetKernelObjectSecurity(h, OWNER_SECURITY_INFORMATION, sd))
        return err_win(e, GetLastError(), "cannot make Administrators the owner of %s", path);
    assert(present && dacl != NULL);
    code = SetSecurityInfo(h, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, NULL,
                           NULL, dacl, NULL);
    if (code == ERROR_SUCCESS && !SetKernelObjectSecurity(h, DACL_SECURITY_INFORMATION, sd))
        code = GetLastError();
    return code == ERROR_SUCCESS ? 0 : err_win(e, code, "cannot set the rights of %s", path);
}

/* Everything by one handle: what was looked at is what is changed. */
static int take_over(const char *path, const wchar_t *wide, PSECURITY_DESCRIPTOR sd, struct err *e)
{
    HANDLE h;
    int rc;

    enable_privileges();
    h = CreateFileW(wide, READ_CONTROL | WRITE_DAC | WRITE_OWNER | FILE_READ_ATTRIBUTES,
                    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                    FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (h == INVALID_HANDLE_VALUE)
        return err_win(e, GetLastError(), "cannot take over the folder %s", path);
    rc = rights_check_kind(h, path, e);
    if (rc == 0)
        rc = set_all(h, sd, path, e);
    if (rc == 0)
        rc = rights_check_handle(h, RIGHTS_PRIVATE, path, e);
    CloseHandle(h);
    return rc;
}

int rights_claim_folder(const char *path, bool service_may_change, struct err *e)
{
    wchar_t dacl[RIGHTS_SDDL_MAX], sddl[RIGHTS_SDDL_MAX + 8], *wide = NULL;
    PSECURITY_DESCRIPTOR sd = NULL;
    bool made = false;
    int rc = folder_sddl(service_may_change, dacl, e);

    if (rc == 0)
        rc = wide_path(path, &wide, e);
    if (rc != 0)
        return rc;
    swprintf(sddl, sizeof sddl / sizeof *sddl, L"O:BA%ls", dacl);
    rc = descriptor(sddl, &sd, e);
    if (rc == 0)
        rc = make_folder(path, wide, sd, &made, e);
    if (rc == 0)
        rc = take_over(path, wide, sd, e);
    if (sd != NULL)
        LocalFree(sd);
    free(wide);
    return rc;
}

static int set_file(HANDLE h, bool service_may_change, const char *path, struct err *e)
{
    wchar_t sddl[RIGHTS_SDDL_MAX], service[RIGHTS_SID_MAX];
    int rc = rights_service_sid(SERVICE_NAME, service, e);

    if (rc == 0) {
        swprintf(sddl, RIGHTS_SDDL_MAX, L"D:(A;;FA;;;SY)(A;;FA;;;BA)(A;;%ls;;;%ls)",
                 service_may_change ? L"0x1301bf" : L"FR", service);
        rc = rights_set_handle(h, sddl, e);
    }
    if (rc != 0)
        err_prefix(e, "%s", path);
    return rc;
}

int rights_claim_entry(const char *path, bool set, bool service_may_change, struct err *e)
{
    BY_HANDLE_FILE_INFORMATION info = { 0 };
    wchar_t *wide;
    HANDLE h;
    int rc = wide_path(path, &wide, e);

    if (rc != 0)
        return rc;
    h = CreateFileW(wide, FILE_READ_ATTRIBUTES | (set ? WRITE_DAC : 0),
                    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                    FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    free(wide);
    if (h == INVALID_HANDLE_VALUE)
        return err_win(e, GetLastError(), "%s", path);
    if (!GetFileInformationByHandle(h, &info))
        rc = err_win(e, GetLastError(), "%s", path);
    else if ((info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
        rc = err_set(e, ERR_PERMISSION, "%s leads somewhere else: remove it", path);
    else if ((info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
        rc = 0;
    else if (info.nNumberOfLinks > 1)
        rc = err_set(e, ERR_PERMISSION, "%s is a file that has another name elsewhere: remove it", path);
    else if (set)
        rc = set_file(h, service_may_change, path, e);
    CloseHandle(h);
    return rc;
}

int rights_set_handle(HANDLE h, const wchar_t *sddl, struct err *e)
{
    PSECURITY_DESCRIPTOR sd = NULL;
    int rc = descriptor(sddl, &sd, e);

    if (rc != 0)
        return rc;
    if (!SetKernelObjectSecurity(h, DACL_SECURITY_INFORMATION, sd))
        rc = err_win(e, GetLastError(), "cannot set rights");
    LocalFree(sd);
    return rc;
}
