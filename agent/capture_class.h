/* WMI's answer as it goes into a bundle: of each instance the properties that
 * are read again from there, and no other.
 *
 * Items that guests or people made up themselves (GuestExchangeItems) are left
 * out always, because nobody knows what secrets they hold; without names, so are
 * the items that name the guest or its addresses, and a machine's name is a
 * stand-in (capture_names.h).
 */
#ifndef AGENT_CAPTURE_CLASS_H
#define AGENT_CAPTURE_CLASS_H

#include "agent/capture_names.h"
#include "base/buf.h"
#include "base/error.h"

struct capture_class;

/* names: NULL keeps names; else it must outlive this. */
MUST_USE int capture_class_new(struct capture_names *names, struct capture_class **out, struct err *e);
void capture_class_free(struct capture_class *c);

/* Appends the instances of a class.  *unread counts those that could not be
 * read.  ERR_INVALID, ERR_TOO_BIG, ERR_MEMORY: out is not whole. */
MUST_USE int capture_class_add(struct capture_class *c, const char *class_name, const char *xml, size_t len,
                               struct buf *out, int *unread, struct err *e);

#endif
