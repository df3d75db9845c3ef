/* repository.c - see repository.h. */
#include "config/repository.h"

#include "config/draft.h"
#include "config/node.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 10000 };
static const char settings_name[] = "larder.yaml";

/* "DIRECTORY/name", without a "./" before it. */
static const char *path_of(const char *directory, const char *name, struct arena *arena)
{
    while (directory[0] == '.' && directory[1] == '/') {
        directory += 2;
        directory += strspn(directory, "/");
    }
    size_t length = strlen(directory);
    if (length == 0 || strcmp(directory, ".") == 0)
        return arena_text(arena, name);
    bool slash = directory[length - 1] == '/';
    return arena_printf(arena, "%s%s%s", directory, slash ? "" : "/", name);
}

/* A store's path is seen from the repository's folder, wherever the command was given. */
static const char *store_path(const char *directory, const char *path, struct arena *arena)
{
    return !path || path[0] == '/' ? path : path_of(directory, path, arena);
}

static void tell_unreadable(struct problems *problems, const char *path, int error_number)
{
    problems_add(problems, (struct place){.file = path}, "cannot be read: %s",
                 strerror(error_number));
}

/* Up to one byte more than a file may have, so that one that grows meanwhile is seen as too large.
 */
static bool read_all(int file, struct arena *arena, size_t expected, struct bytes *text)
{
    size_t capacity = expected < YAML_SIZE_MAX ? expected + 1 : YAML_SIZE_MAX + 1;
    char *data = arena_alloc(arena, capacity);
    size_t size = 0;
    while (size < capacity) {
        ssize_t got = read(file, data + size, capacity - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        size += (size_t)got;
    }
    *text = (struct bytes){data, size};
    return true;
}

/* false: a problem was added. Never waits, as opening a pipe would. */
static bool read_file(const char *path, struct arena *arena, struct problems *problems,
                      struct bytes *text)
{
    struct stat facts;
    bool done = false;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 || fstat(file, &facts) < 0)
        tell_unreadable(problems, path, errno);
    else if (!S_ISREG(facts.st_mode))
        problems_add(problems, (struct place){.file = path}, "is not a file");
    else if (!read_all(file, arena, (size_t)facts.st_size, text))
        tell_unreadable(problems, path, errno);
    else
        done = true;
    if (file >= 0)
        close(file);
    return done;
}

/* Which files are definitions */

static bool is_definitions(const char *name)
{
    size_t length = strlen(name);
    bool yaml = length > 5 && strcmp(name + length - 5, ".yaml") == 0;
    bool yml = length > 4 && strcmp(name + length - 4, ".yml") == 0;
    return (yaml || yml) && name[0] != '.' && strcmp(name, settings_name) != 0;
}

struct file_names {
    const char **items;
    size_t count, capacity;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum status list_files(const char *directory, struct arena *arena, struct file_names *names,
                              struct error *err)
{
    *names = (struct file_names){0};
    DIR *folder = opendir(directory);
    if (!folder)
        return fail(err, STATUS_NOT_FOUND, "cannot read the folder %s: %s", directory,
                    strerror(errno));
    enum status status = STATUS_OK;
    const struct dirent *entry;
    while (!status && (entry = readdir(folder))) {
        if (!is_definitions(entry->d_name))
            continue;
        if (names->count == FILES_MAX) {
            status = fail(err, STATUS_EXHAUSTED, "the folder %s holds more than %d YAML files",
                          directory, FILES_MAX);
            break;
        }
        names->items = arena_grow(arena, names->items, names->count, &names->capacity,
                                  names->count + 1, sizeof *names->items);
        names->items[names->count++] = arena_text(arena, entry->d_name);
    }
    closedir(folder);
    if (names->count > 1)
        qsort(names->items, names->count, sizeof *names->items, compare_names);
    return status;
}

/* Reading */

static void read_definitions_file(const char *path, struct arena *arena, struct problems *problems,
                                  struct draft *draft)
{
    struct bytes text;
    const struct node *root = NULL;
    struct reader reader = {.arena = arena, .problems = problems};
    if (!read_file(path, arena, problems, &text) ||
        !node_read_yaml(path, text, arena, problems, &root))
        draft_lacks_all(draft);
    draft_read(draft, root, &reader);
}

static enum status read_definitions(const char *directory, struct arena *arena, struct draft *draft,
                                    struct problems *problems, struct error *err)
{
    struct file_names names;
    enum status status = list_files(directory, arena, &names, err);
    for (size_t i = 0; i < names.count && !status; i++)
        read_definitions_file(path_of(directory, names.items[i], arena), arena, problems, draft);
    return status;
}

static enum status read_settings(const char *directory, struct arena *arena,
                                 struct settings *settings, struct problems *problems,
                                 struct error *err)
{
    const char *path = path_of(directory, settings_name, arena);
    if (access(path, F_OK) != 0)
        return fail(err, STATUS_NOT_FOUND,
                    "there is no %s: -C names the repository's folder, and `larder init` makes one",
                    path);
    struct bytes text;
    if (read_file(path, arena, problems, &text))
        settings_read_yaml(path, text, arena, settings, problems);
    settings->offline_store.path = store_path(directory, settings->offline_store.path, arena);
    settings->online_store.path = store_path(directory, settings->online_store.path, arena);
    return STATUS_OK;
}

/* The project's name stands in larder.yaml, or in any of the definitions. */
static void need_project(const char *directory, const char *project, struct arena *arena,
                         struct problems *problems)
{
    if (!project && problems->count == 0)
        problems_add(problems, (struct place){.file = path_of(directory, settings_name, arena)},
                     "the project has no name: add a line such as \"project: flights\"");
}

static enum status sorted_status(struct problems *problems, struct error *err)
{
    problems_sort(problems);
    return problems_status(problems, err);
}

enum status repository_read(const char *directory, struct arena *arena,
                            struct repository *repository, struct problems *problems,
                            struct error *err)
{
    *repository = (struct repository){0};
    struct draft draft = {0};
    struct reader reader = {.arena = arena, .problems = problems};
    struct settings settings = {0};
    struct definitions definitions;
    enum status status = read_settings(directory, arena, &settings, problems, err);
    if (status)
        return status;
    draft_set_project(&draft, (struct written){settings.project, settings.project_place}, &reader);
    status = read_definitions(directory, arena, &draft, problems, err);
    if (status)
        return status;
    bool resolved = draft_resolve(&draft, arena, problems, &definitions);
    assert(resolved || problems->count > 0);
    need_project(directory, draft.project.text, arena, problems);
    status = sorted_status(problems, err);
    if (status || !resolved)
        return status;
    settings.project = draft.project.text;
    *repository = (struct repository){settings, definitions};
    return STATUS_OK;
}

enum status repository_read_settings(const char *directory, struct arena *arena,
                                     struct settings *settings, struct problems *problems,
                                     struct error *err)
{
    struct settings found = {0};
    *settings = found;
    enum status status = read_settings(directory, arena, &found, problems, err);
    if (!status && !found.project && problems->count == 0) {
        /* What else is wrong with the definitions is not asked here. */
        struct problems theirs;
        struct draft draft = {0};
        problems_init(&theirs, arena);
        status = read_definitions(directory, arena, &draft, &theirs, err);
        found.project = draft.project.text;
    }
    if (status)
        return status;
    need_project(directory, found.project, arena, problems);
    status = sorted_status(problems, err);
    if (!status)
        *settings = found;
    return status;
}

enum status definitions_read_yaml(const char *name, struct bytes yaml, struct arena *arena,
                                  struct definitions *definitions, struct problems *problems)
{
    *definitions = (struct definitions){0};
    size_t before = problems->count;
    struct draft draft = {0};
    struct reader reader = {.arena = arena, .problems = problems};
    struct definitions found;
    const struct node *root;
    if (!node_read_yaml(name, yaml, arena, problems, &root))
        draft_lacks_all(&draft);
    draft_read(&draft, root, &reader);
    bool resolved = draft_resolve(&draft, arena, problems, &found);
    if (!found.project && problems->count == before)
        problems_add(problems, (struct place){.file = arena_text(arena, name)},
                     "the project has no name: add a line such as \"project: flights\"");
    if (!resolved || problems->count != before || problems_full(problems)) {
        problems_sort(problems);
        return STATUS_INVALID;
    }
    *definitions = found;
    return STATUS_OK;
}
