/* The names in a table of keys: what is there, and what was most likely meant. */
#ifndef CONFIG_YAML_NAMES_H
#define CONFIG_YAML_NAMES_H

#include "config/yaml_doc.h"
#include "config/yaml_tree.h"

/* The key's place in the table; -1 when it is not there. */
int yaml_key_index(const struct yaml_schema *schema, const char *path);

/* Is there a key below it?  "" is the section of all. */
bool yaml_is_section(const struct yaml_schema *schema, const char *path);

/* The known name that was most likely meant; NULL when none is near.  A key of the same name in another
 * section is nearer than a similar name. */
const char *yaml_nearest_key(const struct yaml_schema *schema, const char *path);

/* The known section whose name is near, into out: "hub" for "hbu"; NULL when none is. */
const char *yaml_nearest_section(const struct yaml_schema *schema, const char *path, char out[YAML_PATH_MAX]);

/* The section a key is in: "hub.batch" for "hub.batch.x", "" for "x".  out may be path. */
void yaml_parent_of(const char *path, char out[YAML_PATH_MAX]);

/* The first part below section of each key there, each once: "url, batch, retry". */
void yaml_list_section(const struct yaml_schema *schema, const char *section, struct buf *out);

#endif
