/* Four-part versions (6.3.9600.18692), compared as integers and never as text. */
#ifndef MODEL_VERSION_H
#define MODEL_VERSION_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct version {
    uint32_t part[4]; /* major, minor, build, revision */
};

#define VERSION_TEXT_MAX 48

/* Parses one to four decimal parts with dots between them and nothing else;
 * missing parts are 0.  Returns how many parts there were, or 0 when the text
 * is no version (then *out is all zero). */
int version_parse(const char *text, struct version *out);

/* <0, 0, >0 as a is older than, equal to or newer than b. */
int version_compare(const struct version *a, const struct version *b);

bool version_is_zero(const struct version *v);

/* "6.3.9600.18692"; "" for all zero.  Returns out (VERSION_TEXT_MAX bytes). */
char *version_format(const struct version *v, char *out);

#endif
