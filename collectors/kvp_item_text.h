/* A KVP item as it stands in WMI's answer: an instance in XML, escaped once more,
 * because it is the text of a value in XML (hyperv.md B.2).
 *
 * Windows prints all of them by one pattern, and that is read here as it is written,
 * without taking the escaping off, and without copying it:
 *
 *   <INSTANCE CLASSNAME="Msvm_KvpExchangeDataItem">
 *     <PROPERTY NAME="..." PROPAGATED="true" TYPE="..."><VALUE>...</VALUE></PROPERTY> ...
 *   </INSTANCE>
 *
 * Whatever follows another pattern, and values with more than plain printable ASCII in them, are
 * declined: then the value is decoded and parsed (cim_xml.h).  What is taken here is what that
 * would have made of it; the fuzz target fuzz_kvp_item holds the two beside each other.
 */
#ifndef COLLECTORS_KVP_ITEM_TEXT_H
#define COLLECTORS_KVP_ITEM_TEXT_H

#include "collectors/cim_xml.h"

/* True when the text, as written between <VALUE> and </VALUE>, is one item with a name: then out says where in it name
 * and data stand. */
bool kvp_item_text(const char *text, size_t len, struct cim_item *out);

#endif
