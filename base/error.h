/* The one error type of the project.
 *
 * A function that can fail returns int: 0 is good, anything else is one of
 * enum err_code, and takes a struct err * as its last argument.  On failure
 * the struct holds one sentence that names the thing ("/var/lib/hvagent") and,
 * where there is one, the remedy.  Every such function may be given NULL, when
 * the caller needs the code alone.
 *
 * "On error nothing has changed" is the rule; a function for which that does
 * not hold says so in its own header.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>

enum err_code {
    ERR_OK = 0,
    ERR_INVALID, /* the input is wrong: a file, a record, an argument */
    ERR_NOT_FOUND,
    ERR_PERMISSION,
    ERR_IO,
    ERR_NO_SPACE, /* the disk is full */
    ERR_TOO_BIG,  /* over a ceiling that was given at construction */
    ERR_CORRUPT,  /* our own file does not hold what we wrote */
    ERR_BUSY,     /* locked or still being written: try again later */
    ERR_TIMEOUT,
    ERR_MEMORY,
    ERR_UNSUPPORTED,
    ERR_REFUSED, /* a peer said no and means it */
    ERR_STATE,   /* called in the wrong state */
    ERR_CODE_COUNT
};

#define ERR_TEXT_MAX 512

struct err {
    enum err_code code;
    char text[ERR_TEXT_MAX];
};

/* Whose conversions printf knows; a build with another C library says so itself. */
#ifndef PRINTF_KIND
#define PRINTF_KIND printf
#endif

#define MUST_USE               __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(PRINTF_KIND, fmt, args)))

/* Fills e (which may be NULL) and returns code, so that a failing function can
 * say `return err_set(e, ERR_IO, "cannot read %s: %s", path, why);`.  A text
 * longer than ERR_TEXT_MAX is cut. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
int err_setv(struct err *e, enum err_code code, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

/* The same from an errno value: "<what>: <strerror>".  The code is chosen from
 * the value (ENOENT is ERR_NOT_FOUND, EACCES is ERR_PERMISSION, ...). */
int err_errno(struct err *e, int errnum, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "<prefix>: " before the text that is there. */
void err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A stable lower-case word for a code ("not_found"): logs and JSON use it. */
const char *err_name(enum err_code code);

#endif
