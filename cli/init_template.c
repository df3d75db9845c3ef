/* init_template.c - see init_template.h. */
#include "cli/init_template.h"

#include "config/wording.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct names {
    const char **items;
    size_t count, capacity;
};

static void add_name(struct names *names, const char *name, struct arena *arena)
{
    names->items = arena_grow(arena, names->items, names->count, &names->capacity, names->count + 1,
                              sizeof *names->items);
    names->items[names->count++] = arena_text(arena, name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char ignored[] = ".gitignore";

/* What is not hidden in a folder, and what git leaves out there, sorted; false if there is no such
 * folder. */
static bool list_folder(const char *folder, struct arena *arena, struct names *names)
{
    DIR *open_folder = opendir(folder);
    if (!open_folder)
        return false;
    const struct dirent *entry;
    while ((entry = readdir(open_folder)))
        if (entry->d_name[0] != '.' || strcmp(entry->d_name, ignored) == 0)
            add_name(names, entry->d_name, arena);
    closedir(open_folder);
    if (names->count > 1)
        qsort(names->items, names->count, sizeof *names->items, compare_names);
    return true;
}

/* Where the templates are */

const char *init_program(struct arena *arena)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path);
    return size > 0 && (size_t)size < sizeof path
               ? arena_text_of(arena, (struct bytes){path, (size_t)size})
               : NULL;
}

/* LARDER_EXAMPLES leads from the folder of an installed program to the examples; in a build tree
 * they lie below that folder. */
static const char *examples_folder(struct arena *arena)
{
    const char *program = init_program(arena);
    if (!program)
        return NULL;
    int folder_size = (int)(strrchr(program, '/') - program);
    const char *candidates[] = {
        arena_printf(arena, "%.*s/" LARDER_EXAMPLES, folder_size, program),
        arena_printf(arena, "%.*s/share/larder/examples", folder_size, program),
    };
    for (size_t i = 0; i < COUNT_OF(candidates); i++)
        if (access(candidates[i], R_OK | X_OK) == 0)
            return candidates[i];
    return NULL;
}

static void list_templates(const char *examples, struct arena *arena, struct names *names)
{
    struct names folders = {0};
    list_folder(examples, arena, &folders);
    for (size_t i = 0; i < folders.count; i++)
        if (access(arena_printf(arena, "%s/%s/larder.yaml", examples, folders.items[i]), R_OK) == 0)
            add_name(names, folders.items[i], arena);
}

static enum status unknown_template(const char *name, const struct names *names,
                                    struct arena *arena, struct error *err)
{
    const char *advice = did_you_mean(arena, name, names->items, names->count);
    for (size_t i = 0, near = strlen(advice); i < names->count && near == 0; i++)
        advice = arena_printf(arena, "%s%s%s", advice, i ? ", " : ": there are ", names->items[i]);
    return fail(err, STATUS_INVALID, "no template is called %s%s", quoted(arena, name), advice);
}

enum status init_template_find(const char *name, struct arena *arena,
                               struct init_template *template, struct error *err)
{
    struct names names = {0};
    const char *examples = examples_folder(arena);
    if (examples)
        list_templates(examples, arena, &names);
    if (names.count == 0)
        return fail(err, STATUS_NOT_FOUND,
                    "no templates are installed: the program looks for " LARDER_EXAMPLES
                    " from its own folder");
    for (size_t i = 0; i < names.count; i++)
        if (strcmp(names.items[i], name) == 0) {
            *template = (struct init_template){
                .name = names.items[i], .folder = arena_printf(arena, "%s/%s", examples, name)};
            return STATUS_OK;
        }
    return unknown_template(name, &names, arena, err);
}

/* Its files */

static bool ends_with(const char *name, const char *ending)
{
    size_t length = strlen(name), size = strlen(ending);
    return length > size && strcmp(name + length - size, ending) == 0;
}

/* false: not a file of the repository, such as the program that made the CSV files. */
static bool kind_of(const char *name, enum init_kind *kind)
{
    if (strcmp(name, "larder.yaml") == 0)
        *kind = INIT_SETTINGS;
    else if (strcmp(name, ignored) == 0)
        *kind = INIT_IGNORED;
    else if (strcmp(name, "asks.csv") == 0)
        *kind = INIT_ASKS;
    else if (ends_with(name, ".yaml"))
        *kind = INIT_DEFINITIONS;
    else if (ends_with(name, ".csv"))
        *kind = INIT_HISTORY;
    else if (ends_with(name, ".md"))
        *kind = INIT_DOCUMENT;
    else if (ends_with(name, ".py"))
        *kind = INIT_PROGRAM;
    else
        return false;
    return true;
}

static int compare_files(const void *a, const void *b)
{
    const struct init_file *left = a, *right = b;
    return left->kind != right->kind ? (int)left->kind - (int)right->kind
                                     : strcmp(left->name, right->name);
}

static enum status find_source(struct init_file *file, const struct definitions *definitions,
                               struct arena *arena, struct error *err)
{
    struct bytes stem = {file->name, strlen(file->name) - strlen(".csv")};
    file->source = definitions_source(definitions, arena_text_of(arena, stem));
    return file->source
               ? STATUS_OK
               : fail(err, STATUS_INVALID, "%s: there is no source of that name", file->path);
}

enum status init_template_list(struct init_template *template,
                               const struct definitions *definitions, struct arena *arena,
                               struct error *err)
{
    struct names names = {0};
    if (!list_folder(template->folder, arena, &names))
        return fail(err, STATUS_FAILED, "cannot read the folder %s: %s", template->folder,
                    strerror(errno));
    template->files = arena_array(arena, names.count, sizeof *template->files);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < names.count && !status; i++) {
        struct init_file *file = &template->files[template->file_count];
        if (!kind_of(names.items[i], &file->kind))
            continue;
        file->name = names.items[i];
        file->path = arena_printf(arena, "%s/%s", template->folder, file->name);
        if (file->kind == INIT_HISTORY)
            status = find_source(file, definitions, arena, err);
        template->file_count++;
    }
    qsort(template->files, template->file_count, sizeof *template->files, compare_files);
    return status;
}
