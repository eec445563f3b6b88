/* A WMI object as an <INSTANCE> element of CIM XML (DTD 2.0), UTF-8: what WMI's
 * GetText prints, which is what collectors/ reads.
 *
 * Windows writes it itself where it has the object for that; where it has not,
 * the properties are written here.  An embedded object that is a string of XML
 * (the items of Data Exchange) stays a string; one that is an object is left
 * out, as nothing reads those.
 *
 * COM threads only.
 */
#ifndef PLAT_WIN_WMI_TEXT_H
#define PLAT_WIN_WMI_TEXT_H

#include "base/buf.h"
#include "plat/win/wmi_com.h"

/* UTF-16 as XML text: escaped, lone surrogates and what XML does not allow as
 * U+FFFD, a carriage return as a reference so that no parser folds it away. */
void wmi_text_escape(struct buf *out, const wchar_t *text, size_t len);

/* The same without escaping. */
void wmi_text_utf8(struct buf *out, const wchar_t *text, size_t len);

/* Appends the object and a newline.  source may be NULL.  On failure nothing
 * was appended. */
HRESULT wmi_text_object(IWbemObjectTextSrc *source, IWbemClassObject *object, struct buf *out);

#endif
