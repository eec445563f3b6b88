/* One value of a YAML document, from its text to its type and back. */
#ifndef CONFIG_YAML_VALUE_H
#define CONFIG_YAML_VALUE_H

#include "config/yaml_doc.h"

#include <stdbool.h>
#include <stddef.h>

enum { YAML_WHY_MAX = 384, YAML_SHOWN_MAX = 80, YAML_RANGE_MAX = 128 };

/* Reads text (len bytes, NUL-ended, from a scalar with or without quotes) as
 * key's type into field.  False: field is as it was, and why says what is
 * wrong and what to write instead.  Not for lists. */
bool yaml_value_read(const struct yaml_key *key, const char *text, size_t len, bool plain, void *field,
                     char why[YAML_WHY_MAX]);

/* The same for one item of a list, into item (CONFIG_TEXT_MAX bytes). */
bool yaml_value_read_item(const char *text, size_t len, char *item, char why[YAML_WHY_MAX]);

/* The same for one item of YAML_FLAGS: its bit is set in *flags. */
bool yaml_value_read_flag(const struct yaml_key *key, const char *text, uint32_t *flags, char why[YAML_WHY_MAX]);

/* What may be written: "1 to 20000", "4KiB to 16MiB", "none, gzip or zstd"; "" where
 * the type says it all.  Returns out. */
const char *yaml_value_range(const struct yaml_key *key, char out[YAML_RANGE_MAX]);

/* The bytes that a value of the key takes in its struct. */
size_t yaml_value_size(const struct yaml_key *key);

#endif
