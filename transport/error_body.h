/* What an answer's body says, for people.
 *
 * An OTLP endpoint explains a refusal with a google.rpc.Status (OTLP
 * specification, "Failures"): protobuf, whose field 2 is the message, or the
 * same as JSON.  Proxies and gateways answer in text of their own.
 */
#ifndef TRANSPORT_ERROR_BODY_H
#define TRANSPORT_ERROR_BODY_H

#include <stddef.h>

/* Writes one printable line of at most size - 1 bytes, "" when the body says
 * nothing a person can read.  The body may be cut short.  content_type may be
 * NULL; without one the body is text. */
void error_body_text(const char *content_type, const void *body, size_t len, char *out, size_t size);

#endif
