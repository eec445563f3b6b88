/* A stand-in for WMI's Hyper-V provider, for tests under Wine: an in-process
 * COM server for WbemLocator (and WbemObjectTextSrc) that answers from the kvp/
 * folder of a bundle.
 *
 *   HVFLEET_WINHOST          the bundle's folder
 *   HVFLEET_WINHOST_TEXT     set: there is a WbemObjectTextSrc, which prints the
 *                            instances as they stand in the file
 *   HVFLEET_WINHOST\wmi.txt  what goes wrong; read at every call, so a test may
 *                            change it on the way.  One rule a line:
 *
 *   <where> <what> [times]
 *     where: connect:v2 connect:v1 query:<class> next:<class> method text
 *     what:  hr:0x80041003      that failure
 *            sleep:<ms>         the call takes that long
 *            empty              the class has no instances
 *            late               Next and GetResultObject time out, always
 *     times: after so many calls the rule is used up (without: never)
 *
 * What it does as WMI is documented to do: namespaces (v1 only with "connect:v2
 * hr:0x8004100e"), WQL of the form SELECT list FROM class, property lists that
 * are kept to and refused with WBEM_E_INVALID_QUERY when a property is unknown,
 * WBEM_E_INVALID_CLASS at the first Next for a class without a file (as a query
 * that returns at once reports it late), the host's own row in
 * Msvm_ComputerSystem, 16-bit numbers as VT_I4, NULL properties, the method
 * GetSummaryInformation.  Of several captures of a class it shows the newest.
 *
 * What it is not: a proxy.  Marshalling, security and DCOM await a real host.
 */
#ifndef TESTS_WINHOST_WMI_DOUBLE_H
#define TESTS_WINHOST_WMI_DOUBLE_H

#include "plat/win/wmi_com.h"

#include <stdbool.h>

enum { NAME_CHARS = 64 };

struct property {
    wchar_t name[NAME_CHARS];
    CIMTYPE type; /* with CIM_FLAG_ARRAY for an array */
    VARIANT value;
};

/* An instance, a class or a method's parameters: properties, and its text. */
struct object {
    IWbemClassObject base; /* must be first */
    LONG refs;
    wchar_t class_name[NAME_CHARS];
    struct property *properties;
    size_t count, cap;
    size_t at; /* BeginEnumeration .. Next */
    char *xml; /* as in the file; NULL none */
};

struct object_list {
    struct object **items;
    size_t count, cap;
};

/* wmi_double_object.c */
struct object *object_new(const wchar_t *class_name);
struct property *object_add(struct object *o, const wchar_t *name, CIMTYPE type);
struct property *object_find(struct object *o, const wchar_t *name);
/* A copy with only the named properties ("Name, ElementName" or "*"); NULL when
 * one of them is not known to o. */
struct object *object_project(const struct object *o, const wchar_t *names);
void object_release(struct object *o);

/* wmi_double_bundle.c: the bundle's folder, read anew at every call because a
 * test may have changed it. */
enum { PATH_CHARS = 1024 };
void host_dir(char out[PATH_CHARS]);

/* The instances of a class; false when there is no file. */
bool bundle_load(const char *class_name, struct object_list *out);
void object_list_free(struct object_list *list);

/* wmi_double_script.c: obeys the rules for `where`: sleeps, and returns the
 * failure or S_OK; *empty and *late as told (may be NULL). */
HRESULT script_obey(const char *where, bool *empty, bool *late);

/* wmi_double_services.c */
HRESULT services_new(bool v2, IWbemServices **out);

/* Every entry of a table of methods that is not set answers E_NOTIMPL: under
 * this calling convention the caller takes its arguments back. */
void fill_methods(void *table, size_t size);

#define METHOD_COUNT(table) (sizeof(table) / sizeof(void *))

#endif
