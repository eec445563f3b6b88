/* See rights.h. */
#include "plat/win/rights.h"

#include "plat/win/wide.h"
#include "plat/win/win_error.h"

#include <aclapi.h>
#include <assert.h>
#include <bcrypt.h>
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHA1_BYTES = 20, TOKEN_USER_MAX = 256, DOMAIN_MAX = 256, NAME_MAX_WIDE = 256, TRUSTED_MAX = 6 };

static int sid_text(PSID sid, wchar_t out[RIGHTS_SID_MAX], struct err *e)
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
        rc = sid_text(u.user.User.Sid, out, e);
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
        rc = sid_text(sid, out, e);
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

static int folder_sddl(bool service_may_change, wchar_t out[RIGHTS_SDDL_MAX], struct err *e)
{
    wchar_t own[RIGHTS_SID_MAX], service[RIGHTS_SID_MAX];
    int rc = rights_own_sid(own, e);

    if (rc == 0)
        rc = rights_service_sid(SERVICE_NAME, service, e);
    if (rc != 0)
        return rc;
    swprintf(out, RIGHTS_SDDL_MAX, L"D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;%ls)(A;OICI;%ls;;;%ls)", own,
             service_may_change ? L"0x1301bf" /* modify */ : L"FRFX", service);
    return 0;
}

static int descriptor(const wchar_t *sddl, PSECURITY_DESCRIPTOR *out, struct err *e)
{
    if (ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, out, NULL))
        return 0;
    return err_win(e, GetLastError(), "rights");
}

int rights_make_folder(const char *path, bool service_may_change, bool *made, struct err *e)
{
    SECURITY_ATTRIBUTES attributes = { .nLength = sizeof attributes };
    wchar_t sddl[RIGHTS_SDDL_MAX], *wide = NULL;
    int rc = folder_sddl(service_may_change, sddl, e);

    *made = false;
    if (rc == 0)
        rc = wide_path(path, &wide, e);
    if (rc == 0)
        rc = descriptor(sddl, &attributes.lpSecurityDescriptor, e);
    if (rc == 0) {
        *made = CreateDirectoryW(wide, &attributes) != 0;
        if (!*made && GetLastError() != ERROR_ALREADY_EXISTS)
            rc = err_win(e, GetLastError(), "cannot make the folder %s", path);
        LocalFree(attributes.lpSecurityDescriptor);
    }
    free(wide);
    return rc;
}

int rights_set_folder(const char *path, bool service_may_change, struct err *e)
{
    PSECURITY_DESCRIPTOR sd = NULL;
    wchar_t sddl[RIGHTS_SDDL_MAX], *wide = NULL;
    BOOL present, defaulted;
    PACL dacl = NULL;
    DWORD code;
    int rc = folder_sddl(service_may_change, sddl, e);

    if (rc == 0)
        rc = wide_path(path, &wide, e);
    if (rc == 0)
        rc = descriptor(sddl, &sd, e);
    if (rc == 0) {
        GetSecurityDescriptorDacl(sd, &present, &dacl, &defaulted);
        code =
            SetNamedSecurityInfoW(wide, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                                  NULL, NULL, dacl, NULL);
        if (code != ERROR_SUCCESS)
            rc = err_win(e, code, "cannot set the rights of %s", path);
        LocalFree(sd);
    }
    free(wide);
    return rc;
}

/* ---- the check ---- */

/* Those who may have rights, as text; CREATOR OWNER only stands for the maker of
 * what comes later, and OWNER RIGHTS for an owner who is checked. */
struct trusted {
    wchar_t sid[TRUSTED_MAX][RIGHTS_SID_MAX];
};

static int trusted_load(struct trusted *t, struct err *e)
{
    static const wchar_t *const fixed[] = { L"S-1-5-18", L"S-1-5-32-544", L"S-1-3-0", L"S-1-3-4" };
    size_t n = sizeof fixed / sizeof fixed[0];
    int rc;

    for (size_t i = 0; i < n; i++)
        memcpy(t->sid[i], fixed[i], (wcslen(fixed[i]) + 1) * sizeof(wchar_t));
    rc = rights_own_sid(t->sid[n], e);
    return rc != 0 ? rc : rights_service_sid(SERVICE_NAME, t->sid[n + 1], e);
}

/* On "no", whose it is goes to who. */
static bool is_trusted(const struct trusted *t, PSID sid, char who[RIGHTS_SID_MAX])
{
    wchar_t text[RIGHTS_SID_MAX];

    snprintf(who, RIGHTS_SID_MAX, "somebody unknown");
    if (sid == NULL || sid_text(sid, text, NULL) != 0)
        return false;
    for (size_t i = 0; i < TRUSTED_MAX; i++)
        if (wcscmp(t->sid[i], text) == 0)
            return true;
    utf8_copy_wide(who, RIGHTS_SID_MAX, text);
    return false;
}

/* True when no entry gives anything to anybody who is not trusted. */
static bool dacl_is_closed(const struct trusted *t, PACL dacl, char who[RIGHTS_SID_MAX])
{
    for (DWORD i = 0; i < dacl->AceCount; i++) {
        ACCESS_ALLOWED_ACE *ace;

        if (!GetAce(dacl, i, (void **)&ace))
            return false;
        if (ace->Header.AceType == ACCESS_DENIED_ACE_TYPE)
            continue;
        if (ace->Header.AceType != ACCESS_ALLOWED_ACE_TYPE) {
            snprintf(who, RIGHTS_SID_MAX, "a conditional entry");
            return false;
        }
        if (ace->Mask != 0 && !is_trusted(t, &ace->SidStart, who))
            return false;
    }
    return true;
}

static int check_private(HANDLE h, const char *path, struct err *e)
{
    PSECURITY_DESCRIPTOR sd = NULL;
    struct trusted trusted;
    char who[RIGHTS_SID_MAX] = "everybody";
    PSID owner = NULL;
    PACL dacl = NULL;
    DWORD code = GetSecurityInfo(h, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner,
                                 NULL, &dacl, NULL, &sd);
    int rc;

    if (code != ERROR_SUCCESS)
        return err_win(e, code, "cannot read the rights of %s", path);
    rc = trusted_load(&trusted, e);
    if (rc == 0 && !is_trusted(&trusted, owner, who))
        rc = err_set(e, ERR_PERMISSION, "%s belongs to %s: takeown /a /f \"%s\"", path, who, path);
    else if (rc == 0 && (dacl == NULL || !dacl_is_closed(&trusted, dacl, who)))
        rc = err_set(e, ERR_PERMISSION,
                     "%s is open to %s: icacls \"%s\" /inheritance:r /grant:r *S-1-5-18:(OI)(CI)F "
                     "*S-1-5-32-544:(OI)(CI)F, or hvagent service install, which sets its rights",
                     path, who, path);
    LocalFree(sd);
    return rc;
}

int rights_check_folder(const char *path, struct err *e)
{
    BY_HANDLE_FILE_INFORMATION info;
    wchar_t *wide;
    HANDLE h;
    int rc = wide_path(path, &wide, e);

    if (rc != 0)
        return rc;
    h = CreateFileW(wide, READ_CONTROL | FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    free(wide);
    if (h == INVALID_HANDLE_VALUE)
        return err_win(e, GetLastError(), "%s", path);
    if (!GetFileInformationByHandle(h, &info))
        rc = err_win(e, GetLastError(), "%s", path);
    else if ((info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
        rc = err_set(e, ERR_INVALID, "%s is not a folder", path);
    else
        rc = check_private(h, path, e);
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
