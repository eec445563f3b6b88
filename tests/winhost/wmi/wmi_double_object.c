/* IWbemClassObject; see wmi_double.h. */
#include "tests/winhost/wmi/wmi_double.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static HRESULT WINAPI not_here(void)
{
    return E_NOTIMPL;
}

void fill_methods(void *table, size_t size)
{
    void **methods = table;

    for (size_t i = 0; i < size; i++)
        if (methods[i] == NULL)
            methods[i] = (void *)(uintptr_t)not_here;
}

/* ---- life --------------------------------------------------------------- */

static HRESULT WINAPI object_query(IWbemClassObject *self, REFIID iid, void **out)
{
    *out = NULL;
    if (!IsEqualIID(iid, &IID_IUnknown) && !IsEqualIID(iid, &IID_IWbemClassObject))
        return E_NOINTERFACE;
    *out = self;
    InterlockedIncrement(&((struct object *)self)->refs);
    return S_OK;
}

static ULONG WINAPI object_add_ref(IWbemClassObject *self)
{
    return (ULONG)InterlockedIncrement(&((struct object *)self)->refs);
}

static ULONG WINAPI object_release_ref(IWbemClassObject *self)
{
    struct object *o = (struct object *)self;
    LONG left = InterlockedDecrement(&o->refs);

    if (left > 0)
        return (ULONG)left;
    for (size_t i = 0; i < o->count; i++)
        VariantClear(&o->properties[i].value);
    free(o->properties);
    free(o->xml);
    free(o);
    return 0;
}

void object_release(struct object *o)
{
    object_release_ref(&o->base);
}

/* ---- properties --------------------------------------------------------- */

struct property *object_find(struct object *o, const wchar_t *name)
{
    for (size_t i = 0; i < o->count; i++)
        if (_wcsicmp(o->properties[i].name, name) == 0)
            return &o->properties[i];
    return NULL;
}

struct property *object_add(struct object *o, const wchar_t *name, CIMTYPE type)
{
    struct property *p;

    if (o->count == o->cap) {
        o->cap = o->cap == 0 ? 8 : o->cap * 2;
        o->properties = realloc(o->properties, o->cap * sizeof *o->properties);
        if (o->properties == NULL)
            abort();
    }
    p = &o->properties[o->count++];
    memset(p, 0, sizeof *p);
    wcsncpy(p->name, name, NAME_CHARS - 1);
    p->type = type;
    V_VT(&p->value) = VT_NULL;
    return p;
}

static HRESULT WINAPI object_get(IWbemClassObject *self, LPCWSTR name, LONG flags, VARIANT *value, CIMTYPE *type,
                                 LONG *flavor)
{
    struct object *o = (struct object *)self;
    struct property *p = object_find(o, name);

    (void)flags;
    if (flavor != NULL)
        *flavor = 0;
    VariantInit(value);
    if (wcscmp(name, L"__CLASS") == 0) {
        V_VT(value) = VT_BSTR;
        V_BSTR(value) = SysAllocString(o->class_name);
        return S_OK;
    }
    if (p == NULL)
        return (HRESULT)WBEM_E_NOT_FOUND;
    if (type != NULL)
        *type = p->type;
    return VariantCopy(value, &p->value);
}

static HRESULT WINAPI object_put(IWbemClassObject *self, LPCWSTR name, LONG flags, VARIANT *value, CIMTYPE type)
{
    struct property *p = object_find((struct object *)self, name);

    (void)flags;
    (void)type;
    return p != NULL ? VariantCopy(&p->value, value) : (HRESULT)WBEM_E_NOT_FOUND;
}

static HRESULT WINAPI object_begin(IWbemClassObject *self, LONG flags)
{
    (void)flags;
    ((struct object *)self)->at = 0;
    return S_OK;
}

static HRESULT WINAPI object_next(IWbemClassObject *self, LONG flags, BSTR *name, VARIANT *value, CIMTYPE *type,
                                  LONG *flavor)
{
    struct object *o = (struct object *)self;
    struct property *p;

    (void)flags;
    (void)flavor;
    if (o->at == o->count)
        return (HRESULT)WBEM_S_NO_MORE_DATA;
    p = &o->properties[o->at++];
    *name = SysAllocString(p->name);
    *type = p->type;
    return VariantCopy(value, &p->value);
}

static HRESULT WINAPI object_end(IWbemClassObject *self)
{
    (void)self;
    return S_OK;
}

/* ---- methods ------------------------------------------------------------ */

static HRESULT WINAPI object_get_method(IWbemClassObject *self, LPCWSTR name, LONG flags, IWbemClassObject **in,
                                        IWbemClassObject **out)
{
    struct object *parameters;

    (void)self;
    (void)flags;
    if (wcscmp(name, L"GetSummaryInformation") != 0)
        return (HRESULT)WBEM_E_NOT_FOUND;
    parameters = object_new(L"__PARAMETERS");
    object_add(parameters, L"SettingData", CIM_REFERENCE | CIM_FLAG_ARRAY);
    object_add(parameters, L"RequestedInformation", CIM_UINT32 | CIM_FLAG_ARRAY);
    *in = &parameters->base;
    if (out != NULL)
        *out = NULL;
    return S_OK;
}

static HRESULT WINAPI object_spawn(IWbemClassObject *self, LONG flags, IWbemClassObject **out)
{
    struct object *copy = object_project((struct object *)self, L"*");

    (void)flags;
    *out = &copy->base;
    return S_OK;
}

struct object *object_new(const wchar_t *class_name)
{
    static IWbemClassObjectVtbl table = {
        .QueryInterface = object_query,
        .AddRef = object_add_ref,
        .Release = object_release_ref,
        .Get = object_get,
        .Put = object_put,
        .BeginEnumeration = object_begin,
        .Next = object_next,
        .EndEnumeration = object_end,
        .GetMethod = object_get_method,
        .SpawnInstance = object_spawn,
    };
    struct object *o = calloc(1, sizeof *o);

    if (o == NULL)
        abort();
    fill_methods(&table, METHOD_COUNT(table));
    o->base.lpVtbl = &table;
    o->refs = 1;
    wcsncpy(o->class_name, class_name, NAME_CHARS - 1);
    return o;
}

/* ---- projection --------------------------------------------------------- */

static void copy_property(struct object *to, struct property *from)
{
    struct property *p = object_add(to, from->name, from->type);

    VariantCopy(&p->value, &from->value);
}

/* The next word of a list with commas and blanks. */
static bool next_name(const wchar_t **list, wchar_t name[NAME_CHARS])
{
    size_t len;

    *list += wcsspn(*list, L", ");
    len = wcscspn(*list, L", ");
    if (len == 0 || len >= NAME_CHARS)
        return false;
    wmemcpy(name, *list, len);
    name[len] = L'\0';
    *list += len;
    return true;
}

struct object *object_project(const struct object *o, const wchar_t *names)
{
    struct object *copy = object_new(o->class_name);
    wchar_t name[NAME_CHARS];

    copy->xml = o->xml != NULL ? strdup(o->xml) : NULL;
    if (wcscmp(names, L"*") == 0) {
        for (size_t i = 0; i < o->count; i++)
            copy_property(copy, &o->properties[i]);
        return copy;
    }
    while (next_name(&names, name)) {
        struct property *p = object_find((struct object *)o, name);

        if (p == NULL) {
            object_release(copy);
            return NULL;
        }
        copy_property(copy, p);
    }
    return copy;
}
