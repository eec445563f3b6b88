/* See wmi_text.h. */
#include "plat/win/wmi_text.h"

#include "plat/win/wmi_errors.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

enum { HIGH_FIRST = 0xd800, LOW_FIRST = 0xdc00, SURROGATES_END = 0xe000, REPLACEMENT = 0xfffd };

/* ---- characters --------------------------------------------------------- */

static void put_utf8(struct buf *out, uint32_t c)
{
    char bytes[4];
    size_t n = 0;

    assert(c <= 0x10ffff);
    if (c < 0x80) {
        bytes[n++] = (char)c;
    } else if (c < 0x800) {
        bytes[n++] = (char)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        bytes[n++] = (char)(0xe0 | c >> 12);
        bytes[n++] = (char)(0x80 | (c >> 6 & 0x3f));
    } else {
        bytes[n++] = (char)(0xf0 | c >> 18);
        bytes[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        bytes[n++] = (char)(0x80 | (c >> 6 & 0x3f));
    }
    if (c >= 0x80)
        bytes[n++] = (char)(0x80 | (c & 0x3f));
    buf_add(out, bytes, n);
}

/* The character at text[*i], which moves behind it. */
static uint32_t next_character(const wchar_t *text, size_t len, size_t *i)
{
    uint32_t c = text[(*i)++];

    if (c < HIGH_FIRST || c >= SURROGATES_END)
        return c;
    if (c >= LOW_FIRST || *i == len || text[*i] < LOW_FIRST || text[*i] >= SURROGATES_END)
        return REPLACEMENT;
    return 0x10000 + ((c - HIGH_FIRST) << 10) + (uint32_t)(text[(*i)++] - LOW_FIRST);
}

void wmi_text_utf8(struct buf *out, const wchar_t *text, size_t len)
{
    for (size_t i = 0; i < len;)
        put_utf8(out, next_character(text, len, &i));
}

static void put_escaped(struct buf *out, uint32_t c)
{
    switch (c) {
    case '<':
        buf_str(out, "&lt;");
        break;
    case '>':
        buf_str(out, "&gt;");
        break;
    case '&':
        buf_str(out, "&amp;");
        break;
    case '"':
        buf_str(out, "&quot;");
        break;
    case '\r':
        buf_str(out, "&#13;");
        break;
    default:
        if ((c < 0x20 && c != '\t' && c != '\n') || c == 0xfffe || c == 0xffff)
            c = REPLACEMENT;
        put_utf8(out, c);
    }
}

void wmi_text_escape(struct buf *out, const wchar_t *text, size_t len)
{
    for (size_t i = 0; i < len;)
        put_escaped(out, next_character(text, len, &i));
}

/* ---- values ------------------------------------------------------------- */

static const char *type_name(CIMTYPE type)
{
    static const struct {
        CIMTYPE type;
        const char *name;
    } names[] = {
        { CIM_SINT8, "sint8" },       { CIM_UINT8, "uint8" },   { CIM_SINT16, "sint16" },   { CIM_UINT16, "uint16" },
        { CIM_SINT32, "sint32" },     { CIM_UINT32, "uint32" }, { CIM_SINT64, "sint64" },   { CIM_UINT64, "uint64" },
        { CIM_REAL32, "real32" },     { CIM_REAL64, "real64" }, { CIM_BOOLEAN, "boolean" }, { CIM_STRING, "string" },
        { CIM_DATETIME, "datetime" }, { CIM_CHAR16, "char16" },
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].type == (type & ~CIM_FLAG_ARRAY))
            return names[i].name;
    return NULL; /* an object or a reference */
}

static void put_string(struct buf *out, BSTR text)
{
    wmi_text_escape(out, text, SysStringLen(text));
}

/* One value of a plain type.  Unsigned 32-bit comes as VT_I4, 64-bit as text. */
static void put_scalar(struct buf *out, const VARIANT *v, CIMTYPE type)
{
    switch (V_VT(v)) {
    case VT_BSTR:
        put_string(out, V_BSTR(v));
        break;
    case VT_BOOL:
        buf_str(out, V_BOOL(v) ? "TRUE" : "FALSE");
        break;
    case VT_UI1:
        buf_printf(out, "%u", (unsigned)V_UI1(v));
        break;
    case VT_I2:
        if ((type & ~CIM_FLAG_ARRAY) == CIM_UINT16 || (type & ~CIM_FLAG_ARRAY) == CIM_CHAR16)
            buf_printf(out, "%u", (unsigned)(unsigned short)V_I2(v));
        else
            buf_printf(out, "%d", (int)V_I2(v));
        break;
    case VT_I4:
        if ((type & ~CIM_FLAG_ARRAY) == CIM_UINT32)
            buf_printf(out, "%lu", (unsigned long)(ULONG)V_I4(v));
        else
            buf_printf(out, "%ld", (long)V_I4(v));
        break;
    case VT_R4:
        buf_printf(out, "%.9g", (double)V_R4(v));
        break;
    case VT_R8:
        buf_printf(out, "%.17g", V_R8(v));
        break;
    default:
        break;
    }
}

static void put_element(struct buf *out, SAFEARRAY *array, LONG i, VARTYPE vt, CIMTYPE type)
{
    VARIANT v;

    VariantInit(&v);
    if (FAILED(SafeArrayGetElement(array, &i, vt == VT_VARIANT ? (void *)&v : (void *)&v.llVal)))
        return;
    if (vt != VT_VARIANT)
        V_VT(&v) = vt;
    if (V_VT(&v) == VT_NULL || (V_VT(&v) == VT_BSTR && V_BSTR(&v) == NULL)) {
        buf_str(out, "<VALUE.NULL/>\n");
    } else {
        buf_str(out, "<VALUE>");
        put_scalar(out, &v, type);
        buf_str(out, "</VALUE>\n");
    }
    VariantClear(&v);
}

static void put_array(struct buf *out, const VARIANT *v, CIMTYPE type)
{
    SAFEARRAY *array = V_ARRAY(v);
    LONG first = 0, last = -1;

    if (array == NULL || SafeArrayGetDim(array) != 1 || FAILED(SafeArrayGetLBound(array, 1, &first)) ||
        FAILED(SafeArrayGetUBound(array, 1, &last)))
        return;
    buf_str(out, "<VALUE.ARRAY>\n");
    for (LONG i = first; i <= last; i++)
        put_element(out, array, i, V_VT(v) & VT_TYPEMASK, type);
    buf_str(out, "</VALUE.ARRAY>\n");
}

static void put_property(struct buf *out, const wchar_t *name, const VARIANT *v, CIMTYPE type)
{
    const char *type_word = type_name(type), *element = (type & CIM_FLAG_ARRAY) != 0 ? "PROPERTY.ARRAY" : "PROPERTY";

    if (type_word == NULL)
        return;
    buf_printf(out, "<%s NAME=\"", element);
    wmi_text_escape(out, name, wcslen(name));
    buf_printf(out, "\" TYPE=\"%s\">", type_word);
    if ((V_VT(v) & VT_ARRAY) != 0) {
        put_array(out, v, type);
    } else if (V_VT(v) != VT_NULL && V_VT(v) != VT_EMPTY && (type & CIM_FLAG_ARRAY) == 0) {
        buf_str(out, "<VALUE>");
        put_scalar(out, v, type);
        buf_str(out, "</VALUE>");
    }
    buf_printf(out, "</%s>\n", element);
}

/* ---- objects ------------------------------------------------------------ */

static HRESULT put_properties(IWbemClassObject *object, struct buf *out)
{
    HRESULT hr = IWbemClassObject_BeginEnumeration(object, WBEM_FLAG_NONSYSTEM_ONLY);

    while (SUCCEEDED(hr)) {
        BSTR name = NULL;
        VARIANT v;
        CIMTYPE type = CIM_ILLEGAL;

        VariantInit(&v);
        hr = IWbemClassObject_Next(object, 0, &name, &v, &type, NULL);
        if (hr == (HRESULT)WBEM_S_NO_MORE_DATA || FAILED(hr) || name == NULL)
            break;
        put_property(out, name, &v, type);
        SysFreeString(name);
        VariantClear(&v);
    }
    IWbemClassObject_EndEnumeration(object);
    return FAILED(hr) ? hr : S_OK;
}

static HRESULT write_ourselves(IWbemClassObject *object, struct buf *out)
{
    VARIANT v;
    HRESULT hr;

    VariantInit(&v);
    hr = IWbemClassObject_Get(object, L"__CLASS", 0, &v, NULL, NULL);
    if (FAILED(hr))
        return hr;
    buf_str(out, "<INSTANCE CLASSNAME=\"");
    if (V_VT(&v) == VT_BSTR)
        put_string(out, V_BSTR(&v));
    buf_str(out, "\">\n");
    VariantClear(&v);
    hr = put_properties(object, out);
    buf_str(out, "</INSTANCE>\n");
    return hr;
}

/* Windows writes raw text: a byte order mark may lead it. */
static HRESULT write_by_windows(IWbemObjectTextSrc *source, IWbemClassObject *object, struct buf *out)
{
    BSTR text = NULL;
    HRESULT hr = IWbemObjectTextSrc_GetText(source, 0, object, WMI_OBJ_TEXT_CIM_DTD_2_0, NULL, &text);
    size_t len, skip;

    if (FAILED(hr))
        return hr;
    len = SysStringLen(text);
    if (len == 0) {
        SysFreeString(text);
        return E_FAIL;
    }
    skip = text[0] == 0xfeff ? 1 : 0;
    wmi_text_utf8(out, text + skip, len - skip);
    buf_char(out, '\n');
    SysFreeString(text);
    return S_OK;
}

HRESULT wmi_text_object(IWbemObjectTextSrc *source, IWbemClassObject *object, struct buf *out)
{
    size_t before = out->len;
    HRESULT hr = source != NULL ? write_by_windows(source, object, out) : E_NOTIMPL;

    if (FAILED(hr))
        hr = write_ourselves(object, out);
    if (buf_error(out) != ERR_OK)
        return buf_error(out) == ERR_TOO_BIG ? WMI_TOO_LARGE : E_OUTOFMEMORY;
    if (FAILED(hr)) {
        out->len = before;
        if (out->data != NULL)
            out->data[before] = '\0';
    }
    return hr;
}
