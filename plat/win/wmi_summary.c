/* Msvm_SummaryInformation: Msvm_VirtualSystemManagementService's method
 * GetSummaryInformation for all virtual machines (Microsoft: "GetSummaryInformation
 * method of the Msvm_VirtualSystemManagementService class": SettingData NULL is
 * all, RequestedInformation is a list of numbers).
 */
#include "base/buf.h"
#include "plat/win/wmi_errors.h"
#include "plat/win/wmi_session.h"
#include "plat/win/wmi_text.h"

#define SERVICE L"Msvm_VirtualSystemManagementService"
#define METHOD  L"GetSummaryInformation"

/* Name, ElementName, EnabledState, MemoryUsage, MemoryAvailable, AvailableMemoryBuffer (the numbers are on the
 * method's page), IntegrationServicesVersionState (hyperv.md C.1). */
static const LONG requested[] = { 0, 1, 100, 103, 112, 113, 123 };

enum { REQUESTED = sizeof requested / sizeof requested[0] };

/* The service's path: it is the only instance of its class. */
static HRESULT service_path(struct wmi_session *s, const struct wmi_deadline *d, VARIANT *path)
{
    BSTR language = SysAllocString(L"WQL"), query = SysAllocString(L"SELECT * FROM " SERVICE);
    IEnumWbemClassObject *e = NULL;
    IWbemClassObject *service = NULL;
    ULONG got = 0;
    HRESULT hr = E_OUTOFMEMORY;

    if (language != NULL && query != NULL)
        hr = IWbemServices_ExecQuery(s->services, language, query,
                                     WBEM_FLAG_FORWARD_ONLY | WBEM_FLAG_RETURN_IMMEDIATELY, NULL, &e);
    if (SUCCEEDED(hr))
        hr = wmi_set_blanket((IUnknown *)e);
    if (SUCCEEDED(hr))
        hr = wmi_next(e, d, 1, &service, &got);
    if (SUCCEEDED(hr) && got == 1)
        hr = IWbemClassObject_Get(service, L"__PATH", 0, path, NULL, NULL);
    else if (SUCCEEDED(hr))
        hr = (HRESULT)WBEM_E_NOT_FOUND;
    if (SUCCEEDED(hr) && V_VT(path) != VT_BSTR)
        hr = (HRESULT)WBEM_E_NOT_FOUND;
    if (got == 1)
        IWbemClassObject_Release(service);
    if (e != NULL)
        IEnumWbemClassObject_Release(e);
    SysFreeString(query);
    SysFreeString(language);
    return hr;
}

static HRESULT put_request(IWbemClassObject *in)
{
    VARIANT v;
    HRESULT hr = S_OK;

    VariantInit(&v);
    V_VT(&v) = VT_ARRAY | VT_I4;
    V_ARRAY(&v) = SafeArrayCreateVector(VT_I4, 0, REQUESTED);
    if (V_ARRAY(&v) == NULL)
        return E_OUTOFMEMORY;
    for (LONG i = 0; SUCCEEDED(hr) && i < REQUESTED; i++) {
        LONG number = requested[i];

        hr = SafeArrayPutElement(V_ARRAY(&v), &i, &number);
    }
    if (SUCCEEDED(hr))
        hr = IWbemClassObject_Put(in, L"RequestedInformation", 0, &v, 0);
    VariantClear(&v);
    return hr;
}

/* An instance of the method's parameters, filled in. */
static HRESULT make_request(struct wmi_session *s, IWbemClassObject **out)
{
    IWbemClassObject *class_object = NULL, *signature = NULL;
    BSTR name = SysAllocString(SERVICE);
    HRESULT hr = E_OUTOFMEMORY;

    if (name != NULL)
        hr = IWbemServices_GetObject(s->services, name, 0, NULL, &class_object, NULL);
    if (SUCCEEDED(hr))
        hr = IWbemClassObject_GetMethod(class_object, METHOD, 0, &signature, NULL);
    if (SUCCEEDED(hr) && signature == NULL)
        hr = (HRESULT)WBEM_E_INVALID_METHOD;
    if (SUCCEEDED(hr))
        hr = IWbemClassObject_SpawnInstance(signature, 0, out);
    if (SUCCEEDED(hr))
        hr = put_request(*out);
    if (signature != NULL)
        IWbemClassObject_Release(signature);
    if (class_object != NULL)
        IWbemClassObject_Release(class_object);
    SysFreeString(name);
    return hr;
}

static HRESULT wait_for(IWbemCallResult *call, const struct wmi_deadline *d, IWbemClassObject **answer)
{
    LONG ms;

    while ((ms = wmi_slice_ms(d)) > 0) {
        HRESULT hr = IWbemCallResult_GetResultObject(call, ms, answer);

        if (hr != (HRESULT)WBEM_S_TIMEDOUT)
            return hr;
    }
    return WMI_TIMED_OUT;
}

static HRESULT call_method(struct wmi_session *s, BSTR path, const struct wmi_deadline *d, IWbemClassObject **answer)
{
    IWbemClassObject *request = NULL;
    IWbemCallResult *call = NULL;
    BSTR method = SysAllocString(METHOD);
    HRESULT hr = method != NULL ? make_request(s, &request) : E_OUTOFMEMORY;

    if (SUCCEEDED(hr))
        hr = IWbemServices_ExecMethod(s->services, path, method, WBEM_FLAG_RETURN_IMMEDIATELY, NULL, request, NULL,
                                      &call);
    if (SUCCEEDED(hr))
        hr = wmi_set_blanket((IUnknown *)call);
    if (SUCCEEDED(hr))
        hr = wait_for(call, d, answer);
    if (call != NULL)
        IWbemCallResult_Release(call);
    if (request != NULL)
        IWbemClassObject_Release(request);
    SysFreeString(method);
    return hr;
}

static HRESULT take_summary(struct wmi_session *s, IUnknown *embedded, struct buf *out, size_t *count)
{
    IWbemClassObject *object = NULL;
    HRESULT hr;

    if (embedded == NULL)
        return S_OK;
    hr = embedded->lpVtbl->QueryInterface(embedded, &IID_IWbemClassObject, (void **)&object);
    if (SUCCEEDED(hr))
        hr = wmi_text_object(s->text_source, object, out);
    if (object != NULL)
        IWbemClassObject_Release(object);
    *count += SUCCEEDED(hr);
    return hr;
}

static HRESULT take_summaries(struct wmi_session *s, SAFEARRAY *list, struct buf *out, size_t *count)
{
    LONG first = 0, last = -1;
    HRESULT hr = SafeArrayGetLBound(list, 1, &first);

    if (SUCCEEDED(hr))
        hr = SafeArrayGetUBound(list, 1, &last);
    for (LONG i = first; SUCCEEDED(hr) && i <= last; i++) {
        IUnknown *embedded = NULL;

        hr = SafeArrayGetElement(list, &i, &embedded);
        if (SUCCEEDED(hr))
            hr = take_summary(s, embedded, out, count);
        if (embedded != NULL)
            embedded->lpVtbl->Release(embedded);
    }
    return hr;
}

HRESULT wmi_session_summaries(struct wmi_session *s, const struct wmi_deadline *d, struct buf *out, size_t *count)
{
    IWbemClassObject *answer = NULL;
    VARIANT path, list;
    HRESULT hr;

    *count = 0;
    buf_clear(out);
    if (!s->v2)
        return (HRESULT)WBEM_E_NOT_SUPPORTED;
    VariantInit(&path);
    VariantInit(&list);
    hr = service_path(s, d, &path);
    if (SUCCEEDED(hr))
        hr = call_method(s, V_BSTR(&path), d, &answer);
    if (SUCCEEDED(hr) && answer == NULL)
        hr = (HRESULT)WBEM_E_FAILED;
    if (SUCCEEDED(hr))
        hr = IWbemClassObject_Get(answer, L"SummaryInformation", 0, &list, NULL, NULL);
    if (SUCCEEDED(hr) && V_VT(&list) == (VT_ARRAY | VT_UNKNOWN) && V_ARRAY(&list) != NULL)
        hr = take_summaries(s, V_ARRAY(&list), out, count);
    if (answer != NULL)
        IWbemClassObject_Release(answer);
    VariantClear(&list);
    VariantClear(&path);
    if (FAILED(hr)) {
        buf_clear(out);
        *count = 0;
    }
    return FAILED(hr) ? hr : S_OK;
}
