/* See wmi_session.h. */
#include "plat/win/wmi_session.h"

#include "base/times.h"
#include "plat/win/wmi_errors.h"
#include "plat/win/wmi_text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { SLICE_MS = 1000, QUERY_MAX = 512, OBJECTS = 32 /* in one call */ };

#define RESOURCE "InstanceID, ResourceSubType, Parent, Address, AddressOnParent, HostResource, Connection"

#define COMPONENT "SystemName, ElementName, EnabledState, OperationalStatus"

/* What is asked for of a class: what collectors/kvp_poll.c and setup_poll.c read.  Of a VM's many
 * resources only IDE and SCSI controllers (5, 6) and disk drives (17) matter; the numbers are those
 * of root\virtualization\v2. */
static const struct wanted {
    const char *class_name;
    const char *properties;
    const char *where_v2; /* NULL all */
} wanted[] = {
    { "Msvm_ComputerSystem", "Name, ElementName, Caption, EnabledState", NULL },
    { "Msvm_KvpExchangeComponent", COMPONENT ", GuestIntrinsicExchangeItems, GuestExchangeItems", NULL },
    { "Msvm_HeartbeatComponent", COMPONENT, NULL },
    { "Msvm_ShutdownComponent", COMPONENT, NULL },
    { "Msvm_TimeSyncComponent", COMPONENT, NULL },
    { "Msvm_VssComponent", COMPONENT, NULL },
    { "Msvm_GuestServiceInterfaceComponent", COMPONENT, NULL },
    { "Msvm_RdvComponent", COMPONENT, NULL },
    { "Msvm_VirtualSystemSettingData",
      "InstanceID, ElementName, VirtualSystemIdentifier, VirtualSystemType, VirtualSystemSubType", NULL },
    { "Msvm_MemorySettingData",
      "InstanceID, DynamicMemoryEnabled, VirtualQuantity, Reservation, Limit, TargetMemoryBuffer, Weight", NULL },
    { "Msvm_ProcessorSettingData", "InstanceID, VirtualQuantity", NULL },
    { "Msvm_ResourceAllocationSettingData", RESOURCE, "ResourceType = 5 OR ResourceType = 6 OR ResourceType = 17" },
    { "Msvm_StorageAllocationSettingData", RESOURCE, NULL },
};

LONG wmi_slice_ms(const struct wmi_deadline *d)
{
    int64_t left_ms = (d->ns - d->clock->monotonic_ns(d->clock)) / NS_PER_MS;

    return left_ms <= 0 ? 0 : left_ms < SLICE_MS ? (LONG)left_ms : SLICE_MS;
}

/* ---- the connection ----------------------------------------------------- */

HRESULT wmi_set_blanket(IUnknown *proxy)
{
    HRESULT hr = CoSetProxyBlanket(proxy, RPC_C_AUTHN_WINNT, RPC_C_AUTHZ_NONE, NULL, RPC_C_AUTHN_LEVEL_PKT_PRIVACY,
                                   RPC_C_IMP_LEVEL_IMPERSONATE, NULL, EOAC_NONE);

    return hr == E_NOINTERFACE ? S_OK : hr; /* no proxy: an object of this process */
}

static HRESULT connect_to(IWbemLocator *locator, const wchar_t *name, IWbemServices **out)
{
    BSTR path = SysAllocString(name);
    HRESULT hr = E_OUTOFMEMORY;

    *out = NULL;
    if (path != NULL)
        hr = IWbemLocator_ConnectServer(locator, path, NULL, NULL, NULL, WBEM_FLAG_CONNECT_USE_MAX_WAIT, NULL, NULL,
                                        out);
    SysFreeString(path);
    return hr;
}

HRESULT wmi_session_open(struct wmi_session *s)
{
    IWbemLocator *locator = NULL;
    HRESULT hr;

    assert(s->services == NULL && s->text_source == NULL);
    hr = CoCreateInstance(&CLSID_WbemLocator, NULL, CLSCTX_INPROC_SERVER, &IID_IWbemLocator, (void **)&locator);
    if (FAILED(hr))
        return hr;
    s->v2 = true;
    hr = connect_to(locator, L"root\\virtualization\\v2", &s->services);
    if (FAILED(hr) && wmi_judge(hr).meaning == WMI_NAMESPACE_ABSENT) {
        s->v2 = false;
        hr = connect_to(locator, L"root\\virtualization", &s->services);
    }
    IWbemLocator_Release(locator);
    if (SUCCEEDED(hr))
        hr = wmi_set_blanket((IUnknown *)s->services);
    if (FAILED(hr)) {
        wmi_session_close(s);
        return hr;
    }
    if (FAILED(CoCreateInstance(&CLSID_WbemObjectTextSrc, NULL, CLSCTX_INPROC_SERVER, &IID_IWbemObjectTextSrc,
                                (void **)&s->text_source)))
        s->text_source = NULL;
    return S_OK;
}

void wmi_session_close(struct wmi_session *s)
{
    if (s->text_source != NULL)
        IWbemObjectTextSrc_Release(s->text_source);
    if (s->services != NULL)
        IWbemServices_Release(s->services);
    *s = (struct wmi_session){ 0 };
}

/* ---- queries ------------------------------------------------------------ */

static struct wanted wanted_of(const char *class_name)
{
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (strcmp(wanted[i].class_name, class_name) == 0)
            return wanted[i];
    return (struct wanted){ .class_name = class_name, .properties = "*" };
}

static HRESULT begin_query(struct wmi_session *s, const struct wanted *w, IEnumWbemClassObject **out)
{
    bool where = s->v2 && w->where_v2 != NULL;
    wchar_t text[QUERY_MAX];
    int n = swprintf(text, QUERY_MAX, L"SELECT %hs FROM %hs%hs%hs", w->properties, w->class_name,
                     where ? " WHERE " : "", where ? w->where_v2 : "");
    BSTR language = SysAllocString(L"WQL"), query;
    HRESULT hr = E_OUTOFMEMORY;

    assert(n > 0);
    query = SysAllocString(text);
    *out = NULL;
    if (language != NULL && query != NULL)
        hr = IWbemServices_ExecQuery(s->services, language, query,
                                     WBEM_FLAG_FORWARD_ONLY | WBEM_FLAG_RETURN_IMMEDIATELY, NULL, out);
    SysFreeString(query);
    SysFreeString(language);
    if (SUCCEEDED(hr))
        hr = wmi_set_blanket((IUnknown *)*out);
    if (FAILED(hr) && *out != NULL) {
        IEnumWbemClassObject_Release(*out);
        *out = NULL;
    }
    return hr;
}

static void release_all(IWbemClassObject **objects, ULONG count)
{
    for (ULONG i = 0; i < count; i++)
        IWbemClassObject_Release(objects[i]);
}

HRESULT wmi_next(IEnumWbemClassObject *e, const struct wmi_deadline *d, ULONG max, IWbemClassObject **objects,
                 ULONG *got)
{
    LONG ms;

    while (*got = 0, (ms = wmi_slice_ms(d)) > 0) {
        HRESULT hr = IEnumWbemClassObject_Next(e, ms, max, objects, got);

        if (FAILED(hr)) {
            release_all(objects, *got);
            *got = 0;
            return hr;
        }
        if (hr == (HRESULT)WBEM_S_FALSE || (*got == 0 && hr != (HRESULT)WBEM_S_TIMEDOUT))
            return (HRESULT)WBEM_S_FALSE;
        if (*got > 0)
            return S_OK;
    }
    return WMI_TIMED_OUT;
}

/* Writes the objects, as far as they can be written, and lets go of them. */
static HRESULT take_all(struct wmi_session *s, IWbemClassObject **objects, ULONG got, struct buf *out)
{
    HRESULT hr = S_OK;

    for (ULONG i = 0; SUCCEEDED(hr) && i < got; i++)
        hr = wmi_text_object(s->text_source, objects[i], out);
    release_all(objects, got);
    return hr;
}

/* One pass over a class with these properties; what it appended is dropped when
 * it fails. */
static HRESULT read_class(struct wmi_session *s, const struct wanted *w, const struct wmi_deadline *d, struct buf *out,
                          size_t *count)
{
    IWbemClassObject *objects[OBJECTS];
    IEnumWbemClassObject *e = NULL;
    HRESULT hr = begin_query(s, w, &e), written = S_OK;

    *count = 0;
    buf_clear(out);
    while (hr == S_OK && SUCCEEDED(written)) {
        ULONG got;

        hr = wmi_next(e, d, OBJECTS, objects, &got);
        written = take_all(s, objects, got, out);
        *count += got;
    }
    if (e != NULL)
        IEnumWbemClassObject_Release(e);
    if (SUCCEEDED(hr))
        hr = written;
    if (FAILED(hr)) {
        buf_clear(out);
        *count = 0;
        return hr;
    }
    return S_OK;
}

HRESULT wmi_session_class(struct wmi_session *s, const char *class_name, const struct wmi_deadline *d, struct buf *out,
                          size_t *count)
{
    struct wanted w = wanted_of(class_name);
    HRESULT hr = read_class(s, &w, d, out, count);

    if (FAILED(hr) && wmi_judge(hr).meaning == WMI_BAD_QUERY && strcmp(w.properties, "*") != 0) {
        w = (struct wanted){ .class_name = class_name, .properties = "*" };
        hr = read_class(s, &w, d, out, count);
    }
    return hr;
}
