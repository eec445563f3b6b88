/* JSON straight into a buffer, which keeps any error.  Private to report/. */
#ifndef REPORT_JSON_WRITE_H
#define REPORT_JSON_WRITE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

void report_json_string(struct buf *out, const char *text);

/* "name":  with a comma before it unless it opens an object. */
void report_json_key(struct buf *out, const char *name);

/* A key with its value; "" and time 0 are null. */
void report_json_text(struct buf *out, const char *name, const char *text);
void report_json_time(struct buf *out, const char *name, int64_t ns);
void report_json_number(struct buf *out, const char *name, int64_t value);
void report_json_flag(struct buf *out, const char *name, bool value);

#endif
