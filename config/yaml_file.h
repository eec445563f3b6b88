/* A file of settings or of rules as bytes, whole or not at all.
 *
 * What stands in the way is said as everything else about such a file is: a
 * line "FILE:1:1: what is wrong; the remedy". */
#ifndef CONFIG_YAML_FILE_H
#define CONFIG_YAML_FILE_H

#include "base/buf.h"
#include "base/error.h"

/* Reads path into text, which the function initialises and the caller frees
 * whatever is returned.  shorten is what to do about a file larger than
 * YAML_BYTES_MAX (yaml_tree.h): ERR_INVALID.  Else the code of the system's
 * error, or ERR_MEMORY; each of them is a line in problems.  Blocks. */
MUST_USE int yaml_file_read(const char *path, const char *shorten, struct buf *text, struct buf *problems);

/* The line for a reader that ran out of memory over that file; returns ERR_MEMORY. */
int yaml_file_no_memory(const char *path, struct buf *problems);

#endif
