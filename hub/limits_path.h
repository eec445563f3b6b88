/* Percent-encoding in the addresses that people and programs ask for. */
#ifndef HUB_LIMITS_PATH_H
#define HUB_LIMITS_PATH_H

#include <stddef.h>

/* Decodes in place, NUL-ended; returns the new length.  What is no encoding (%zz, a lone %) stays as it is, and
 * so does %00: texts end at a NUL here, and "style.css%00.png" must not be another way to write "style.css". */
size_t path_decode(char *text);

#endif
