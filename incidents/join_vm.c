/* See join_vm.h.
 *
 * The dump does not name its VM (hyperv.md D): what names it is the folder it
 * lies in, the owner of the file (both already in hyperv.vm.id), or a report
 * with the same code and the same four parameters.
 */
#include "incidents/join_vm.h"

#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* VM ids met while looking; whether there was more than one. */
struct candidates {
    const char *vm_id, *vm_name;
    bool several;
};

static void meet(struct candidates *f, const char *vm_id, const char *vm_name)
{
    if (f->vm_id == NULL || strcmp(f->vm_id, vm_id) == 0) {
        f->vm_id = vm_id;
        f->vm_name = vm_name[0] != '\0' ? vm_name : f->vm_name != NULL ? f->vm_name : "";
    } else {
        f->several = true;
    }
}

static bool is_unique(const struct candidates *f)
{
    return f->vm_id != NULL && !f->several;
}

static void give(struct sign *s, const struct candidates *f, const char *by)
{
    s->vm_id = f->vm_id;
    s->vm_name = f->vm_name;
    s->joined_by = by;
}

/* A report that may be of the crash that this dump is of. */
static bool is_near(const struct clue *dump, const struct clue *report, int64_t tolerance)
{
    int64_t later = dump->time - report->time;
    int64_t reach = dump->has_time ? tolerance : CASE_LATE_DUMP_S * NS_PER_S;

    return later <= reach && -later <= tolerance && clue_same_key(dump, report);
}

static bool by_parameters(struct sign *s, const struct sign *signs, int count, int64_t tolerance)
{
    struct candidates all = { 0 }, named = { 0 };
    const char *folder = s->c->text[TEXT_VM_NAME];

    for (int n = 0; n < count; n++) {
        const struct clue *c = signs[n].c;

        if (c->kind != CLUE_REPORT || !is_near(s->c, c, tolerance))
            continue;
        meet(&all, c->text[TEXT_VM_ID], c->text[TEXT_VM_NAME]);
        if (folder[0] != '\0' && text_casecmp(folder, c->text[TEXT_VM_NAME]) == 0)
            meet(&named, c->text[TEXT_VM_ID], c->text[TEXT_VM_NAME]);
    }
    if (is_unique(&named))
        give(s, &named, "parameters");
    else if (is_unique(&all))
        give(s, &all, "parameters");
    else if (all.several)
        s->note = "Several guests crashed with this code and these parameters at this time, so that it is not certain "
                  "whose dump this is; put dumps into a folder named after the VM's id";
    return s->vm_id[0] != '\0';
}

/* ---- by name -------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    const struct clue *x = *(const struct clue *const *)a, *y = *(const struct clue *const *)b;
    int order = text_casecmp(x->text[TEXT_VM_NAME], y->text[TEXT_VM_NAME]);

    if (order == 0)
        order = strcmp(x->text[TEXT_VM_ID], y->text[TEXT_VM_ID]);
    return order != 0 ? order : clue_compare_time(x, y);
}

/* Clues that say both a VM's id and its name, in order of name. */
struct names {
    const struct clue **list;
    size_t count;
};

static void by_name(struct sign *s, const struct names *names)
{
    const char *folder = s->c->text[TEXT_VM_NAME];
    struct candidates found = { 0 };
    size_t lo = 0, hi = names->count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (text_casecmp(names->list[mid]->text[TEXT_VM_NAME], folder) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < names->count && text_casecmp(names->list[lo]->text[TEXT_VM_NAME], folder) == 0; lo++)
        meet(&found, names->list[lo]->text[TEXT_VM_ID], names->list[lo]->text[TEXT_VM_NAME]);
    if (is_unique(&found))
        give(s, &found, "name");
    else if (found.several && s->note == NULL)
        s->note = "Several guests have the name of the folder that this dump lies in, so that it is not certain whose "
                  "dump this is; put dumps into a folder named after the VM's id";
}

static int list_names(const struct clue *const *clues, size_t count, struct names *out, struct err *e)
{
    out->list = calloc(count + 1, sizeof *out->list);
    if (out->list == NULL)
        return err_set(e, ERR_MEMORY, "incidents: out of memory");
    for (size_t n = 0; n < count; n++) {
        if (clues[n]->text[TEXT_VM_ID][0] != '\0' && clues[n]->text[TEXT_VM_NAME][0] != '\0' &&
            clues[n]->kind != CLUE_DUMP)
            out->list[out->count++] = clues[n];
    }
    qsort(out->list, out->count, sizeof *out->list, compare_names);
    return 0;
}

/* ---- "dump written" -------------------------------------------------------------------------- */

static void by_path(struct sign *s, const struct sign *signs, int count)
{
    const char *path = s->c->text[TEXT_DEVICE];
    struct candidates found = { 0 };

    for (int n = 0; n < count && path[0] != '\0'; n++) {
        if (signs[n].c->kind == CLUE_DUMP && signs[n].vm_id[0] != '\0' &&
            text_casecmp(signs[n].c->text[TEXT_DEVICE], path) == 0)
            meet(&found, signs[n].vm_id, signs[n].vm_name);
    }
    if (is_unique(&found))
        give(s, &found, "path");
}

static void by_host(struct sign *s, const struct sign *signs, int count)
{
    struct candidates found = { 0 };

    for (int n = 0; n < count; n++) {
        const struct clue *c = signs[n].c;
        int64_t later = s->c->time - c->time;

        if (c->kind == CLUE_REPORT && later >= 0 && later <= CASE_FOLLOW_S * NS_PER_S &&
            strcmp(c->text[TEXT_HOST_ID], s->c->text[TEXT_HOST_ID]) == 0)
            meet(&found, c->text[TEXT_VM_ID], c->text[TEXT_VM_NAME]);
    }
    if (is_unique(&found))
        give(s, &found, "host");
}

int join_find_vms(const struct clue *const *clues, size_t count, struct sign *signs, int sign_count,
                  const struct case_options *options, struct err *e)
{
    struct names names = { 0 };
    int rc = list_names(clues, count, &names, e);

    for (int n = 0; n < sign_count && rc == 0; n++) {
        struct sign *s = &signs[n];

        if (s->c->kind != CLUE_DUMP)
            continue;
        if (s->vm_id[0] != '\0')
            s->joined_by = "vm-id";
        else if (!by_parameters(s, signs, sign_count, options->tolerance_ns) && s->c->text[TEXT_VM_NAME][0] != '\0')
            by_name(s, &names);
    }
    for (int n = 0; n < sign_count && rc == 0; n++) {
        if (signs[n].c->kind != CLUE_WRITTEN || signs[n].vm_id[0] != '\0')
            continue;
        by_path(&signs[n], signs, sign_count);
        if (signs[n].vm_id[0] == '\0')
            by_host(&signs[n], signs, sign_count);
    }
    free(names.list);
    return rc;
}
