/* The DLL: class factories for WbemLocator and WbemObjectTextSrc; see
 * wmi_double.h. */
#include "tests/winhost/wmi/wmi_double.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

STDAPI DllGetClassObject(REFCLSID clsid, REFIID iid, LPVOID *out);
STDAPI DllCanUnloadNow(void);

/* Objects without state: they count nothing and live as long as the DLL. */
static ULONG WINAPI one(void *self)
{
    (void)self;
    return 1;
}

#define STATIC_COUNT(type) ((ULONG(WINAPI *)(type *))(void *)(uintptr_t)one)

/* ---- the locator -------------------------------------------------------- */

static HRESULT WINAPI locator_query(IWbemLocator *self, REFIID iid, void **out)
{
    bool known = IsEqualIID(iid, &IID_IUnknown) || IsEqualIID(iid, &IID_IWbemLocator);

    *out = known ? self : NULL;
    return known ? S_OK : E_NOINTERFACE;
}

static HRESULT WINAPI locator_connect(IWbemLocator *self, const BSTR resource, const BSTR user, const BSTR password,
                                      const BSTR locale, LONG flags, const BSTR authority, IWbemContext *context,
                                      IWbemServices **out)
{
    bool v2 = wcscmp(resource, L"root\\virtualization\\v2") == 0;
    HRESULT hr;

    (void)self;
    (void)user;
    (void)password;
    (void)locale;
    (void)flags;
    (void)authority;
    (void)context;
    *out = NULL;
    if (!v2 && wcscmp(resource, L"root\\virtualization") != 0)
        return (HRESULT)WBEM_E_INVALID_NAMESPACE;
    hr = script_obey(v2 ? "connect:v2" : "connect:v1", NULL, NULL);
    return FAILED(hr) ? hr : services_new(v2, out);
}

static IWbemLocatorVtbl locator_table = {
    .QueryInterface = locator_query,
    .AddRef = STATIC_COUNT(IWbemLocator),
    .Release = STATIC_COUNT(IWbemLocator),
    .ConnectServer = locator_connect,
};
static IWbemLocator locator = { .lpVtbl = &locator_table };

/* ---- text --------------------------------------------------------------- */

static HRESULT WINAPI text_query(IWbemObjectTextSrc *self, REFIID iid, void **out)
{
    bool known = IsEqualIID(iid, &IID_IUnknown) || IsEqualIID(iid, &IID_IWbemObjectTextSrc);

    *out = known ? self : NULL;
    return known ? S_OK : E_NOINTERFACE;
}

/* The instance as the file has it, with all its properties. */
static HRESULT WINAPI text_get(IWbemObjectTextSrc *self, LONG flags, IWbemClassObject *object, ULONG format,
                               IWbemContext *context, BSTR *text)
{
    const char *xml = ((struct object *)object)->xml;
    HRESULT hr = script_obey("text", NULL, NULL);
    int n;

    (void)self;
    (void)flags;
    (void)context;
    *text = NULL;
    if (FAILED(hr) || format != WMI_OBJ_TEXT_CIM_DTD_2_0 || xml == NULL)
        return FAILED(hr) ? hr : (HRESULT)WBEM_E_INVALID_PARAMETER;
    n = MultiByteToWideChar(CP_UTF8, 0, xml, -1, NULL, 0);
    *text = SysAllocStringLen(NULL, (UINT)(n - 1));
    if (*text == NULL)
        return E_OUTOFMEMORY;
    MultiByteToWideChar(CP_UTF8, 0, xml, -1, *text, n);
    return S_OK;
}

static IWbemObjectTextSrcVtbl text_table = {
    .QueryInterface = text_query,
    .AddRef = STATIC_COUNT(IWbemObjectTextSrc),
    .Release = STATIC_COUNT(IWbemObjectTextSrc),
    .GetText = text_get,
};
static IWbemObjectTextSrc text_source = { .lpVtbl = &text_table };

/* ---- the factories ------------------------------------------------------ */

static HRESULT WINAPI factory_query(IClassFactory *self, REFIID iid, void **out)
{
    bool known = IsEqualIID(iid, &IID_IUnknown) || IsEqualIID(iid, &IID_IClassFactory);

    *out = known ? self : NULL;
    return known ? S_OK : E_NOINTERFACE;
}

static HRESULT WINAPI make_locator(IClassFactory *self, IUnknown *outer, REFIID iid, void **out)
{
    (void)self;
    return outer != NULL ? CLASS_E_NOAGGREGATION : locator_query(&locator, iid, out);
}

static HRESULT WINAPI make_text(IClassFactory *self, IUnknown *outer, REFIID iid, void **out)
{
    (void)self;
    if (GetEnvironmentVariableW(L"HVFLEET_WINHOST_TEXT", NULL, 0) == 0) {
        *out = NULL;
        return REGDB_E_CLASSNOTREG;
    }
    return outer != NULL ? CLASS_E_NOAGGREGATION : text_query(&text_source, iid, out);
}

static HRESULT WINAPI lock_server(IClassFactory *self, BOOL lock)
{
    (void)self;
    (void)lock;
    return S_OK;
}

static IClassFactoryVtbl locator_factory_table = {
    .QueryInterface = factory_query,
    .AddRef = STATIC_COUNT(IClassFactory),
    .Release = STATIC_COUNT(IClassFactory),
    .CreateInstance = make_locator,
    .LockServer = lock_server,
};
static IClassFactoryVtbl text_factory_table = {
    .QueryInterface = factory_query,
    .AddRef = STATIC_COUNT(IClassFactory),
    .Release = STATIC_COUNT(IClassFactory),
    .CreateInstance = make_text,
    .LockServer = lock_server,
};
static IClassFactory locator_factory = { .lpVtbl = &locator_factory_table };
static IClassFactory text_factory = { .lpVtbl = &text_factory_table };

STDAPI DllGetClassObject(REFCLSID clsid, REFIID iid, LPVOID *out)
{
    *out = NULL;
    if (IsEqualCLSID(clsid, &CLSID_WbemLocator))
        return factory_query(&locator_factory, iid, out);
    if (IsEqualCLSID(clsid, &CLSID_WbemObjectTextSrc))
        return factory_query(&text_factory, iid, out);
    return CLASS_E_CLASSNOTAVAILABLE;
}

STDAPI DllCanUnloadNow(void)
{
    return S_FALSE;
}
