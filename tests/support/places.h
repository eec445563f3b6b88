/* Temporary folders of test programs; a body a system (posix/, windows/). */
#ifndef TESTS_SUPPORT_PLACES_H
#define TESTS_SUPPORT_PLACES_H

#include <stdbool.h>
#include <stddef.h>

/* Makes a new empty folder and writes its path. */
bool places_make_temp(char *path, size_t size);

/* The name of a local socket that nobody listens on; dir is a temporary folder. */
bool places_socket(const char *dir, char *path, size_t size);

/* Removes a folder with all in it; links are not followed. */
void places_remove_tree(const char *path);

#endif
