/* See limits_host.h. */
#include "hub/limits_host.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <string.h>

enum { NAME_MAX_LEN = 255, PORT_DIGITS = 5 };

/* Takes ":4318" off; false when what follows the colon is no port. */
static bool cut_port(char *name)
{
    char *colon = strrchr(name, ':');

    if (colon == NULL)
        return true;
    if (strlen(colon + 1) > PORT_DIGITS || strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return false;
    *colon = '\0';
    return true;
}

static bool is_v6(const char *name)
{
    char inner[INET6_ADDRSTRLEN];
    const char *end = strchr(name, ']');
    struct in6_addr unused;
    size_t len;

    if (end == NULL || (end[1] != '\0' && end[1] != ':'))
        return false;
    len = (size_t)(end - name) - 1;
    if (len >= sizeof inner || (end[1] == ':' && strspn(end + 2, "0123456789") != strlen(end + 2)))
        return false;
    memcpy(inner, name + 1, len);
    inner[len] = '\0';
    return inet_pton(AF_INET6, inner, &unused) == 1;
}

static bool listed(const char *name, const char *names)
{
    size_t len = strlen(name);

    while (*names != '\0') {
        size_t one = strcspn(names, "\n");

        if (one == len && text_ncasecmp(names, name, len) == 0)
            return true;
        names += one + (names[one] == '\n' ? 1 : 0);
    }
    return false;
}

bool host_expected(const char *host, const char *names)
{
    char name[NAME_MAX_LEN + PORT_DIGITS + 2];
    struct in_addr unused;
    size_t len;

    if (host == NULL)
        return true;
    if (!text_copy(name, sizeof name, host))
        return false;
    if (name[0] == '[')
        return is_v6(name);
    if (!cut_port(name))
        return false;
    len = strlen(name);
    if (len > 1 && name[len - 1] == '.')
        name[len - 1] = '\0';
    return inet_pton(AF_INET, name, &unused) == 1 || listed(name, "localhost") || listed(name, names);
}
