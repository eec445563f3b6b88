/* IWbemServices, IEnumWbemClassObject and IWbemCallResult; see wmi_double.h. */
#include "tests/winhost/wmi/wmi_double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define SERVICE "Msvm_VirtualSystemManagementService"

struct services {
    IWbemServices base;
    LONG refs;
    bool v2;
};

/* What a query has found; a call result holds one object. */
struct cursor {
    union {
        IEnumWbemClassObject enumerator;
        IWbemCallResult call;
    } base;
    LONG refs;
    char where[NAME_CHARS * 2]; /* for the script */
    HRESULT failure;            /* told at the first Next */
    bool late;
    struct object_list list;
    size_t at;
};

/* ---- a cursor's life ---------------------------------------------------- */

static HRESULT WINAPI cursor_query(IEnumWbemClassObject *self, REFIID iid, void **out)
{
    *out = NULL;
    if (!IsEqualIID(iid, &IID_IUnknown) && !IsEqualIID(iid, &IID_IEnumWbemClassObject) &&
        !IsEqualIID(iid, &IID_IWbemCallResult))
        return E_NOINTERFACE;
    *out = self;
    InterlockedIncrement(&((struct cursor *)self)->refs);
    return S_OK;
}

static ULONG WINAPI cursor_add_ref(IEnumWbemClassObject *self)
{
    return (ULONG)InterlockedIncrement(&((struct cursor *)self)->refs);
}

static ULONG WINAPI cursor_release(IEnumWbemClassObject *self)
{
    struct cursor *c = (struct cursor *)self;
    LONG left = InterlockedDecrement(&c->refs);

    if (left == 0) {
        object_list_free(&c->list);
        free(c);
    }
    return (ULONG)left;
}

static HRESULT time_out(LONG ms)
{
    Sleep((DWORD)(ms > 0 ? ms : 0));
    return (HRESULT)WBEM_S_TIMEDOUT;
}

static HRESULT WINAPI cursor_next(IEnumWbemClassObject *self, LONG timeout_ms, ULONG count, IWbemClassObject **objects,
                                  ULONG *returned)
{
    struct cursor *c = (struct cursor *)self;
    HRESULT hr = script_obey(c->where, NULL, &c->late);

    *returned = 0;
    if (FAILED(hr))
        return hr;
    if (c->late)
        return time_out(timeout_ms);
    if (FAILED(c->failure))
        return c->failure;
    while (*returned < count && c->at < c->list.count) {
        struct object *o = c->list.items[c->at++];

        objects[(*returned)++] = &o->base;
        IWbemClassObject_AddRef(&o->base);
    }
    return *returned == count ? (HRESULT)WBEM_S_NO_ERROR : (HRESULT)WBEM_S_FALSE;
}

static HRESULT WINAPI call_result(IWbemCallResult *self, LONG timeout_ms, IWbemClassObject **object)
{
    struct cursor *c = (struct cursor *)self;

    *object = NULL;
    if (c->late)
        return time_out(timeout_ms);
    if (FAILED(c->failure))
        return c->failure;
    *object = &c->list.items[0]->base;
    IWbemClassObject_AddRef(*object);
    return S_OK;
}

static struct cursor *cursor_new(void)
{
    static IEnumWbemClassObjectVtbl table = {
        .QueryInterface = cursor_query,
        .AddRef = cursor_add_ref,
        .Release = cursor_release,
        .Next = cursor_next,
    };
    struct cursor *c = calloc(1, sizeof *c);

    if (c == NULL)
        abort();
    fill_methods(&table, METHOD_COUNT(table));
    c->base.enumerator.lpVtbl = &table;
    c->refs = 1;
    return c;
}

static struct cursor *call_new(void)
{
    static IWbemCallResultVtbl table = {
        .QueryInterface = (HRESULT(WINAPI *)(IWbemCallResult *, REFIID, void **))(void *)(uintptr_t)cursor_query,
        .AddRef = (ULONG(WINAPI *)(IWbemCallResult *))(void *)(uintptr_t)cursor_add_ref,
        .Release = (ULONG(WINAPI *)(IWbemCallResult *))(void *)(uintptr_t)cursor_release,
        .GetResultObject = call_result,
    };
    struct cursor *c = cursor_new();

    fill_methods(&table, METHOD_COUNT(table));
    c->base.call.lpVtbl = &table;
    return c;
}

static void list_add(struct object_list *l, struct object *o)
{
    l->items = realloc(l->items, (l->count + 1) * sizeof(struct object *));
    if (l->items == NULL)
        abort();
    l->items[l->count++] = o;
}

/* ---- queries ------------------------------------------------------------ */

static void set_text(struct object *o, const wchar_t *name, const wchar_t *value)
{
    struct property *p = object_add(o, name, CIM_STRING);

    V_VT(&p->value) = VT_BSTR;
    V_BSTR(&p->value) = SysAllocString(value);
}

/* The host lists itself among its machines (hyperv.md B.1). */
static struct object *host_row(void)
{
    struct object *o = object_new(L"Msvm_ComputerSystem");
    struct property *p;

    set_text(o, L"Caption", L"Hosting Computer System");
    set_text(o, L"ElementName", L"WINHOST");
    set_text(o, L"Name", L"WINHOST");
    p = object_add(o, L"EnabledState", CIM_UINT16);
    V_VT(&p->value) = VT_I4;
    V_I4(&p->value) = 2;
    o->xml = strdup("<INSTANCE CLASSNAME=\"Msvm_ComputerSystem\"><PROPERTY NAME=\"Name\" TYPE=\"string\">"
                    "<VALUE>WINHOST</VALUE></PROPERTY></INSTANCE>");
    return o;
}

static struct object *management_service(void)
{
    struct object *o = object_new(L"" SERVICE);

    set_text(o, L"__PATH", L"\\\\.\\root\\virtualization\\v2:" SERVICE ".Name=\"vmms\"");
    return o;
}

/* Every property any instance has: what the class would know. */
static bool class_knows(const struct object_list *all, const wchar_t *properties)
{
    struct object *merged = object_new(L"");
    struct object *projected;

    for (size_t i = 0; i < all->count; i++)
        for (size_t j = 0; j < all->items[i]->count; j++)
            if (object_find(merged, all->items[i]->properties[j].name) == NULL)
                object_add(merged, all->items[i]->properties[j].name, all->items[i]->properties[j].type);
    projected = object_project(merged, properties);
    object_release(merged);
    if (projected == NULL)
        return false;
    object_release(projected);
    return true;
}

/* A property that only other instances have is NULL in this one. */
static struct object *project(struct object *from, const wchar_t *properties)
{
    struct object *o;
    wchar_t word[NAME_CHARS];
    const wchar_t *rest = properties;
    size_t len;

    while (wcscmp(properties, L"*") != 0 && (rest += wcsspn(rest, L", "), len = wcscspn(rest, L", ")) > 0) {
        wmemcpy(word, rest, len);
        word[len] = L'\0';
        if (object_find(from, word) == NULL)
            object_add(from, word, CIM_STRING);
        rest += len;
    }
    o = object_project(from, properties);
    if (o == NULL)
        abort();
    return o;
}

/* Every host has the classes of settings, though a bundle may have captured none of them. */
static bool is_settings_class(const char *class_name)
{
    size_t len = strlen(class_name);

    return len > 11 && strcmp(class_name + len - 11, "SettingData") == 0;
}

static void load(struct cursor *c, const char *class_name, const wchar_t *properties)
{
    struct object_list all;
    bool there = bundle_load(class_name, &all) || is_settings_class(class_name);

    if (strcmp(class_name, SERVICE) == 0) {
        list_add(&c->list, management_service());
        return;
    }
    if (strcmp(class_name, "Msvm_ComputerSystem") == 0) {
        list_add(&all, host_row());
        there = true;
    }
    if (!there)
        c->failure = (HRESULT)WBEM_E_INVALID_CLASS;
    else if (all.count > 0 && !class_knows(&all, properties))
        c->failure = (HRESULT)WBEM_E_INVALID_QUERY;
    for (size_t i = 0; SUCCEEDED(c->failure) && i < all.count; i++)
        list_add(&c->list, project(all.items[i], properties));
    object_list_free(&all);
}

/* "SELECT list FROM class", and a condition on ResourceType: captures hold what met it when they
 * were made, so it is not looked at again. */
static bool parse(const wchar_t *query, wchar_t properties[512], char class_name[NAME_CHARS])
{
    const wchar_t *from = wcsstr(query, L" FROM "), *where = wcsstr(query, L" WHERE ResourceType = ");
    size_t len;
    int named;

    if (wcsncmp(query, L"SELECT ", 7) != 0 || from == NULL)
        return false;
    len = (size_t)(from - (query + 7));
    if (len >= 512)
        return false;
    wmemcpy(properties, query + 7, len);
    properties[len] = L'\0';
    named = WideCharToMultiByte(CP_UTF8, 0, from + 6, where != NULL ? (int)(where - from - 6) : -1, class_name,
                                NAME_CHARS - 1, NULL, NULL);
    if (named <= 0)
        return false;
    class_name[named] = '\0';
    return strchr(class_name, ' ') == NULL;
}

static HRESULT WINAPI services_exec_query(IWbemServices *self, const BSTR language, const BSTR query, LONG flags,
                                          IWbemContext *context, IEnumWbemClassObject **out)
{
    enum { SEMISYNCHRONOUS = WBEM_FLAG_FORWARD_ONLY | WBEM_FLAG_RETURN_IMMEDIATELY };
    wchar_t properties[512];
    char class_name[NAME_CHARS], where[NAME_CHARS * 2];
    bool empty = false;
    struct cursor *c;
    HRESULT hr;

    (void)self;
    (void)context;
    *out = NULL;
    if (wcscmp(language, L"WQL") != 0 || flags != SEMISYNCHRONOUS || !parse(query, properties, class_name))
        return (HRESULT)WBEM_E_INVALID_PARAMETER;
    snprintf(where, sizeof where, "query:%s", class_name);
    hr = script_obey(where, &empty, NULL);
    if (FAILED(hr))
        return hr;
    c = cursor_new();
    snprintf(c->where, sizeof c->where, "next:%s", class_name);
    if (!empty)
        load(c, class_name, properties);
    *out = &c->base.enumerator;
    return S_OK;
}

/* ---- the method --------------------------------------------------------- */

static HRESULT WINAPI services_get_object(IWbemServices *self, const BSTR path, LONG flags, IWbemContext *context,
                                          IWbemClassObject **object, IWbemCallResult **result)
{
    (void)self;
    (void)flags;
    (void)context;
    (void)result;
    if (wcscmp(path, L"" SERVICE) != 0)
        return (HRESULT)WBEM_E_NOT_FOUND;
    *object = &object_new(path)->base;
    return S_OK;
}

static bool asks_for_state(IWbemClassObject *in)
{
    struct property *p = object_find((struct object *)in, L"RequestedInformation");
    bool name = false, state = false;
    LONG last = -1;

    if (p == NULL || V_VT(&p->value) != (VT_ARRAY | VT_I4))
        return false;
    SafeArrayGetUBound(V_ARRAY(&p->value), 1, &last);
    for (LONG i = 0; i <= last; i++) {
        LONG n = -1;

        SafeArrayGetElement(V_ARRAY(&p->value), &i, &n);
        name |= n == 0;
        state |= n == 123;
    }
    return name && state;
}

static struct object *summaries(void)
{
    struct object *o = object_new(L"__PARAMETERS");
    struct property *p = object_add(o, L"SummaryInformation", CIM_OBJECT | CIM_FLAG_ARRAY);
    struct object_list all;

    bundle_load("Msvm_SummaryInformation", &all);
    V_VT(&p->value) = VT_ARRAY | VT_UNKNOWN;
    V_ARRAY(&p->value) = SafeArrayCreateVector(VT_UNKNOWN, 0, (ULONG)all.count);
    for (size_t i = 0; i < all.count; i++) {
        LONG at = (LONG)i;

        SafeArrayPutElement(V_ARRAY(&p->value), &at, &all.items[i]->base);
    }
    object_list_free(&all);
    return o;
}

static HRESULT WINAPI services_exec_method(IWbemServices *self, const BSTR path, const BSTR method, LONG flags,
                                           IWbemContext *context, IWbemClassObject *in, IWbemClassObject **out,
                                           IWbemCallResult **result)
{
    bool late = false;
    HRESULT hr = script_obey("method", NULL, &late);
    struct cursor *c;

    (void)self;
    (void)context;
    (void)out;
    if (FAILED(hr))
        return hr;
    if (flags != WBEM_FLAG_RETURN_IMMEDIATELY || wcsstr(path, L"" SERVICE) == NULL ||
        wcscmp(method, L"GetSummaryInformation") != 0 || !asks_for_state(in))
        return (HRESULT)WBEM_E_INVALID_METHOD_PARAMETERS;
    c = call_new();
    c->late = late;
    list_add(&c->list, summaries());
    *result = &c->base.call;
    return S_OK;
}

/* ---- the services ------------------------------------------------------- */

static HRESULT WINAPI services_query(IWbemServices *self, REFIID iid, void **out)
{
    *out = NULL;
    if (!IsEqualIID(iid, &IID_IUnknown) && !IsEqualIID(iid, &IID_IWbemServices))
        return E_NOINTERFACE;
    *out = self;
    InterlockedIncrement(&((struct services *)self)->refs);
    return S_OK;
}

static ULONG WINAPI services_add_ref(IWbemServices *self)
{
    return (ULONG)InterlockedIncrement(&((struct services *)self)->refs);
}

static ULONG WINAPI services_release(IWbemServices *self)
{
    LONG left = InterlockedDecrement(&((struct services *)self)->refs);

    if (left == 0)
        free(self);
    return (ULONG)left;
}

HRESULT services_new(bool v2, IWbemServices **out)
{
    static IWbemServicesVtbl table = {
        .QueryInterface = services_query,
        .AddRef = services_add_ref,
        .Release = services_release,
        .GetObject = services_get_object,
        .ExecQuery = services_exec_query,
        .ExecMethod = services_exec_method,
    };
    struct services *s = calloc(1, sizeof *s);

    if (s == NULL)
        return E_OUTOFMEMORY;
    fill_methods(&table, METHOD_COUNT(table));
    s->base.lpVtbl = &table;
    s->refs = 1;
    s->v2 = v2;
    *out = &s->base;
    return S_OK;
}
