/* See cluster.h. */
#include "plat/win/cluster.h"

#include "plat/win/registry.h"
#include "plat/win/wide.h"

#include <stdbool.h>
#include <wchar.h>
#include <windows.h>

enum { NAME_CHARS = 256, TAIL_CHARS = 32 };

/* What clusapi.h has, which the cross compiler's headers can not be asked for:
 * theirs does not compile for Windows 7 and later.  The numbers: hyperv.md E. */
enum { NODE_NOT_INSTALLED = 0, NODE_NOT_RUNNING = 3, NODE_RUNNING = 19 };
typedef struct cluster_handle *cluster_handle;

/* Loaded at run time: a host without the feature has no such DLL. */
struct cluster_api {
    HMODULE dll;
    DWORD(WINAPI *state)(LPCWSTR node, DWORD *state);
    cluster_handle(WINAPI *open)(LPCWSTR name);
    BOOL(WINAPI *close)(cluster_handle cluster);
    DWORD(WINAPI *information)(cluster_handle cluster, LPWSTR name, LPDWORD chars, void *info);
};

static bool load(struct cluster_api *api)
{
    wchar_t path[MAX_PATH + TAIL_CHARS];
    UINT n = GetSystemDirectoryW(path, MAX_PATH);

    if (n == 0 || n >= MAX_PATH)
        return false;
    wmemcpy(path + n, L"\\clusapi.dll", sizeof "\\clusapi.dll");
    api->dll = LoadLibraryW(path);
    if (api->dll == NULL)
        return false;
    api->state = (DWORD(WINAPI *)(LPCWSTR, DWORD *))(void (*)(void))GetProcAddress(api->dll, "GetNodeClusterState");
    api->open = (cluster_handle(WINAPI *)(LPCWSTR))(void (*)(void))GetProcAddress(api->dll, "OpenCluster");
    api->close = (BOOL(WINAPI *)(cluster_handle))(void (*)(void))GetProcAddress(api->dll, "CloseCluster");
    api->information = (DWORD(WINAPI *)(cluster_handle, LPWSTR, LPDWORD, void *))(void (*)(void))GetProcAddress(
        api->dll, "GetClusterInformation");
    return api->state != NULL && api->open != NULL && api->close != NULL && api->information != NULL;
}

static bool ask_service(const struct cluster_api *api, char *out, size_t size)
{
    wchar_t name[NAME_CHARS] = L"";
    DWORD chars = NAME_CHARS;
    cluster_handle cluster = api->open(NULL);
    DWORD rc;

    if (cluster == NULL)
        return false;
    rc = api->information(cluster, name, &chars, NULL);
    api->close(cluster);
    return rc == ERROR_SUCCESS && name[0] != L'\0' && utf8_copy_wide(out, size, name);
}

bool cluster_name_kept(char *out, size_t size)
{
    return registry_text(L"Cluster", L"ClusterName", out, size);
}

void cluster_name(char *out, size_t size, struct buf *problems)
{
    struct cluster_api api = { 0 };
    DWORD state = NODE_NOT_INSTALLED;
    bool is_node = false, found = false;

    out[0] = '\0';
    if (load(&api) && api.state(NULL, &state) == ERROR_SUCCESS) {
        is_node = state == NODE_NOT_RUNNING || state == NODE_RUNNING;
        found = state == NODE_RUNNING && ask_service(&api, out, size);
    }
    if (api.dll != NULL)
        FreeLibrary(api.dll);
    if (!found)
        found = cluster_name_kept(out, size);
    if (is_node && !found && problems != NULL)
        buf_str(problems,
                "this host is a node of a cluster whose name can not be found out: the service ClusSvc does not"
                " run, or does not let this account ask\n");
}
