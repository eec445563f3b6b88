/* The text that CIM XML comes in, before it is XML: encodings, the instances
 * in it, and characters that XML does not know.
 *
 * Pure functions over bytes and a length; nothing here trusts either.
 */
#ifndef COLLECTORS_CIM_TEXT_H
#define COLLECTORS_CIM_TEXT_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>

/* The same text as UTF-8 without a byte order mark: *out points into bytes, or
 * into scratch (cleared first) where something had to be converted: UTF-16 of
 * either byte order, with or without its mark, ISO-8859-1 and Windows-1252 by
 * their XML declaration.  ERR_UNSUPPORTED names another declared encoding. */
MUST_USE int cim_text_utf8(const char *bytes, size_t len, struct buf *scratch, const char **out, size_t *out_len,
                           struct err *e);

enum cim_slice_kind {
    CIM_SLICE_END,      /* no more */
    CIM_SLICE_INSTANCE, /* [start, end) is one <INSTANCE>...</INSTANCE> */
    CIM_SLICE_CUT,      /* an <INSTANCE> begins at start and is never closed */
    CIM_SLICE_DTD,      /* a document type or entity declaration at start */
    CIM_SLICE_LOST,     /* too many unclosed ones: from start on nothing was looked at */
};

/* Walks over the outermost instances of a UTF-8 text, whatever is around them:
 * nothing, a CIM document, several documents.  Comments, CDATA sections and
 * quoted attribute values do not confuse it.  After a cut instance it goes on
 * behind that one's start tag, so that one broken virtual machine does not hide
 * the others; a few times only, as every time costs a pass over the text. */
struct cim_slices {
    const char *text;
    size_t len;
    size_t at;
    int cuts;
};

struct cim_slice {
    size_t start, end;
};

void cim_slices_init(struct cim_slices *s, const char *text, size_t len);
enum cim_slice_kind cim_slices_next(struct cim_slices *s, struct cim_slice *out);

/* Appends text to out with everything that XML 1.0 forbids in a document
 * replaced by U+FFFD: control characters, bytes that are no UTF-8, U+FFFE and
 * U+FFFF, surrogates, and numeric references to any of them. */
void cim_text_repair(const char *text, size_t len, struct buf *out);

#endif
