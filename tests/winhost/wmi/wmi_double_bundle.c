/* kvp/<Class>[.<time>].xml to objects, with expat alone: nothing of the program
 * under test reads what it is to be tested with. */
#include "tests/winhost/wmi/wmi_double.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

struct text {
    char *bytes;
    size_t len, cap;
};

struct reader {
    XML_Parser xml;
    const char *source;
    struct object_list *list;
    struct object *object;
    struct property *property;
    struct text value;
    bool in_value;
    long start;   /* of the instance, in source */
    BSTR *values; /* of the array at hand */
    LONG value_count, value_cap;
};

/* ---- text --------------------------------------------------------------- */

static void text_add(struct text *t, const char *bytes, size_t len)
{
    if (t->len + len + 1 > t->cap) {
        t->cap = (t->len + len + 1) * 2;
        t->bytes = realloc(t->bytes, t->cap);
        if (t->bytes == NULL)
            abort();
    }
    memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
    t->bytes[t->len] = '\0';
}

static void widen(const char *text, wchar_t out[NAME_CHARS])
{
    MultiByteToWideChar(CP_UTF8, 0, text, -1, out, NAME_CHARS);
    out[NAME_CHARS - 1] = L'\0';
}

static BSTR bstr_of(const char *text, size_t len)
{
    int n = len > 0 ? MultiByteToWideChar(CP_UTF8, 0, text, (int)len, NULL, 0) : 0;
    BSTR b = SysAllocStringLen(NULL, (UINT)n);

    if (b == NULL)
        abort();
    if (n > 0)
        MultiByteToWideChar(CP_UTF8, 0, text, (int)len, b, n);
    return b;
}

/* ---- values ------------------------------------------------------------- */

static CIMTYPE type_of(const char *name)
{
    static const struct {
        const char *name;
        CIMTYPE type;
    } types[] = {
        { "uint16", CIM_UINT16 },   { "uint32", CIM_UINT32 },     { "uint64", CIM_UINT64 },
        { "boolean", CIM_BOOLEAN }, { "datetime", CIM_DATETIME },
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    return CIM_STRING;
}

static bool is_number(CIMTYPE type)
{
    return (type & ~CIM_FLAG_ARRAY) == CIM_UINT16 || (type & ~CIM_FLAG_ARRAY) == CIM_UINT32;
}

static void set_scalar(struct property *p, const char *text, size_t len)
{
    if (is_number(p->type)) {
        V_VT(&p->value) = VT_I4;
        V_I4(&p->value) = (LONG)strtoul(text, NULL, 10);
    } else if (p->type == CIM_BOOLEAN) {
        V_VT(&p->value) = VT_BOOL;
        V_BOOL(&p->value) = _stricmp(text, "true") == 0 ? VARIANT_TRUE : VARIANT_FALSE;
    } else {
        V_VT(&p->value) = VT_BSTR;
        V_BSTR(&p->value) = bstr_of(text, len);
    }
}

static void keep_value(struct reader *r, BSTR value)
{
    if (r->value_count == r->value_cap) {
        r->value_cap = r->value_cap == 0 ? 16 : r->value_cap * 2;
        r->values = realloc(r->values, (size_t)r->value_cap * sizeof *r->values);
        if (r->values == NULL)
            abort();
    }
    r->values[r->value_count++] = value;
}

static void set_array(struct reader *r)
{
    struct property *p = r->property;
    VARTYPE vt = is_number(p->type) ? VT_I4 : VT_BSTR;
    SAFEARRAY *array = SafeArrayCreateVector(vt, 0, (ULONG)r->value_count);

    for (LONG i = 0; i < r->value_count; i++) {
        if (vt == VT_I4) {
            LONG n = r->values[i] != NULL ? wcstol(r->values[i], NULL, 10) : 0;

            SafeArrayPutElement(array, &i, &n);
        } else {
            SafeArrayPutElement(array, &i, r->values[i]);
        }
        SysFreeString(r->values[i]);
    }
    r->value_count = 0;
    V_VT(&p->value) = VT_ARRAY | vt;
    V_ARRAY(&p->value) = array;
}

/* ---- what expat calls --------------------------------------------------- */

static const char *attribute(const XML_Char **attributes, const char *name)
{
    for (; attributes[0] != NULL; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return "";
}

static void begin_property(struct reader *r, const XML_Char **attributes, CIMTYPE flag)
{
    wchar_t name[NAME_CHARS];

    widen(attribute(attributes, "NAME"), name);
    r->property = object_add(r->object, name, type_of(attribute(attributes, "TYPE")) | flag);
}

static void XMLCALL on_start(void *arg, const XML_Char *element, const XML_Char **attributes)
{
    struct reader *r = arg;
    wchar_t name[NAME_CHARS];

    if (strcmp(element, "INSTANCE") == 0) {
        widen(attribute(attributes, "CLASSNAME"), name);
        r->object = object_new(name);
        r->start = (long)XML_GetCurrentByteIndex(r->xml);
    } else if (r->object != NULL && strcmp(element, "PROPERTY") == 0) {
        begin_property(r, attributes, 0);
    } else if (r->object != NULL && strcmp(element, "PROPERTY.ARRAY") == 0) {
        begin_property(r, attributes, CIM_FLAG_ARRAY);
    } else if (r->property != NULL && strcmp(element, "VALUE") == 0) {
        r->in_value = true;
        r->value.len = 0;
        text_add(&r->value, "", 0);
    } else if (r->property != NULL && strcmp(element, "VALUE.NULL") == 0) {
        keep_value(r, NULL);
    }
}

static void end_value(struct reader *r)
{
    r->in_value = false;
    if ((r->property->type & CIM_FLAG_ARRAY) != 0)
        keep_value(r, bstr_of(r->value.bytes, r->value.len));
    else
        set_scalar(r->property, r->value.bytes, r->value.len);
}

static void end_instance(struct reader *r)
{
    size_t len = (size_t)(XML_GetCurrentByteIndex(r->xml) + XML_GetCurrentByteCount(r->xml) - r->start);
    struct object_list *l = r->list;

    r->object->xml = malloc(len + 1);
    memcpy(r->object->xml, r->source + r->start, len);
    r->object->xml[len] = '\0';
    if (l->count == l->cap) {
        l->cap = l->cap == 0 ? 16 : l->cap * 2;
        l->items = realloc(l->items, l->cap * sizeof(struct object *));
        if (l->items == NULL)
            abort();
    }
    l->items[l->count++] = r->object;
    r->object = NULL;
}

static void XMLCALL on_end(void *arg, const XML_Char *element)
{
    struct reader *r = arg;

    if (strcmp(element, "VALUE") == 0 && r->in_value)
        end_value(r);
    else if (strcmp(element, "VALUE.ARRAY") == 0 && r->property != NULL)
        set_array(r);
    else if (strncmp(element, "PROPERTY", 8) == 0)
        r->property = NULL;
    else if (strcmp(element, "INSTANCE") == 0 && r->object != NULL)
        end_instance(r);
}

static void XMLCALL on_text(void *arg, const XML_Char *bytes, int len)
{
    struct reader *r = arg;

    if (r->in_value)
        text_add(&r->value, bytes, (size_t)len);
}

/* ---- files -------------------------------------------------------------- */

void host_dir(char out[PATH_CHARS])
{
    DWORD len = GetEnvironmentVariableA("HVFLEET_WINHOST", out, PATH_CHARS);

    if (len == 0 || len >= PATH_CHARS)
        snprintf(out, PATH_CHARS, ".");
}

/* The newest capture: times in names sort as text. */
static bool find_file(const char *class_name, char path[PATH_CHARS * 2])
{
    char dir[PATH_CHARS], pattern[PATH_CHARS * 2], best[MAX_PATH] = "";
    WIN32_FIND_DATAA found;
    HANDLE h;

    host_dir(dir);
    snprintf(pattern, sizeof pattern, "%s\\kvp\\%s.*", dir, class_name);
    h = FindFirstFileA(pattern, &found);
    if (h == INVALID_HANDLE_VALUE)
        return false;
    do {
        if (strcmp(found.cFileName, best) > 0)
            snprintf(best, sizeof best, "%s", found.cFileName);
    } while (FindNextFileA(h, &found));
    FindClose(h);
    snprintf(path, (size_t)PATH_CHARS * 2, "%s\\kvp\\%s", dir, best);
    return true;
}

static bool read_whole(const char *path, struct text *out)
{
    FILE *f = fopen(path, "rb");
    char chunk[65536];
    size_t n;

    if (f == NULL)
        return false;
    text_add(out, "<r>", 3);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        text_add(out, chunk, n);
    text_add(out, "</r>", 4);
    fclose(f);
    return true;
}

bool bundle_load(const char *class_name, struct object_list *out)
{
    struct reader r = { .list = out };
    struct text source = { 0 };
    char path[PATH_CHARS * 2];

    memset(out, 0, sizeof *out);
    if (!find_file(class_name, path) || !read_whole(path, &source))
        return false;
    r.xml = XML_ParserCreate("UTF-8");
    r.source = source.bytes;
    XML_SetUserData(r.xml, &r);
    XML_SetElementHandler(r.xml, on_start, on_end);
    XML_SetCharacterDataHandler(r.xml, on_text);
    if (XML_Parse(r.xml, source.bytes, (int)source.len, 1) != XML_STATUS_OK)
        fprintf(stderr, "wmi double: %s: %s\n", path, XML_ErrorString(XML_GetErrorCode(r.xml)));
    XML_ParserFree(r.xml);
    free(source.bytes);
    free(r.value.bytes);
    free(r.values);
    return true;
}

void object_list_free(struct object_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        object_release(list->items[i]);
    free(list->items);
    memset(list, 0, sizeof *list);
}
