/* init_folder.c - see init_folder.h. */
#include "cli/init_folder.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status fail_not_empty(const char *target, struct error *err)
{
    return fail(err, STATUS_INVALID, "%s is not empty: name a folder that is not there yet",
                target);
}

/* In a folder that is as good as empty, even where git has begun. */
static bool is_expected(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, ".git") == 0;
}

/* Only what is there can be wrong. */
static enum status look_at_target(struct init_folder *folder, struct error *err)
{
    struct stat facts;
    if (stat(folder->target, &facts) != 0)
        return STATUS_OK;
    if (!S_ISDIR(facts.st_mode))
        return fail(err, STATUS_INVALID, "%s is a file: name a folder, one that is not there yet",
                    folder->target);
    DIR *open_folder = opendir(folder->target);
    if (!open_folder)
        return fail(err, STATUS_FAILED, "cannot read the folder %s: %s", folder->target,
                    strerror(errno));
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(open_folder));)
        count += !is_expected(entry->d_name);
    closedir(open_folder);
    folder->is_there = true;
    return count == 0 ? STATUS_OK : fail_not_empty(folder->target, err);
}

static const char *without_slashes(const char *path, struct arena *arena)
{
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/')
        size--;
    return arena_text_of(arena, (struct bytes){path, size});
}

static enum status make_staging(struct init_folder *folder, struct error *err)
{
    mode_t mask = umask(0);
    umask(mask);
    char *path = arena_printf(folder->arena, "%s%s.init-XXXXXX", folder->target,
                              folder->is_there ? "/" : "");
    if (!mkdtemp(path))
        return fail(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_FAILED,
                    "cannot make the folder %s: %s%s", folder->target, strerror(errno),
                    errno == ENOENT ? "; make the folder that it stands in first" : "");
    folder->staging = path;
    if (chmod(path, 0777 & ~mask) != 0)
        return fail(err, STATUS_FAILED, "cannot open the folder %s to its readers: %s", path,
                    strerror(errno));
    return STATUS_OK;
}

enum status init_folder_open(const char *target, struct arena *arena, struct init_folder *folder,
                             struct error *err)
{
    *folder = (struct init_folder){.arena = arena, .target = without_slashes(target, arena)};
    enum status status = look_at_target(folder, err);
    return status ? status : make_staging(folder, err);
}

static const char *staged(const struct init_folder *folder, size_t index)
{
    return arena_printf(folder->arena, "%s/%s", folder->staging, folder->names[index]);
}

static const char *published(const struct init_folder *folder, size_t index)
{
    return arena_printf(folder->arena, "%s/%s", folder->target, folder->names[index]);
}

static enum status fail_to_write(const struct init_folder *folder, struct error *err)
{
    return fail(err, STATUS_FAILED, "cannot write %s: %s", published(folder, folder->count - 1),
                strerror(errno));
}

enum status init_folder_create(struct init_folder *folder, const char *name, struct error *err)
{
    assert(!folder->file);
    folder->names = arena_grow(folder->arena, folder->names, folder->count, &folder->capacity,
                               folder->count + 1, sizeof *folder->names);
    folder->names[folder->count++] = name;
    folder->file = fopen(staged(folder, folder->count - 1), "wxe");
    return folder->file ? STATUS_OK : fail_to_write(folder, err);
}

enum status init_folder_write(struct init_folder *folder, struct bytes bytes, struct error *err)
{
    bool written = fwrite(bytes.data, 1, bytes.size, folder->file) == bytes.size;
    return written ? STATUS_OK : fail_to_write(folder, err);
}

enum status init_folder_finish(struct init_folder *folder, struct error *err)
{
    FILE *file = folder->file;
    folder->file = NULL;
    return fclose(file) == 0 ? STATUS_OK : fail_to_write(folder, err);
}

static void remove_files(const struct init_folder *folder, size_t count,
                         const char *path_of(const struct init_folder *, size_t))
{
    for (size_t i = 0; i < count; i++)
        unlink(path_of(folder, i));
}

/* Into a folder that somebody made: what was moved is taken back if the rest cannot be. */
static enum status move_files(struct init_folder *folder, struct error *err)
{
    for (size_t i = 0; i < folder->count; i++) {
        if (rename(staged(folder, i), published(folder, i)) == 0)
            continue;
        fail(err, STATUS_FAILED, "cannot write %s: %s", published(folder, i), strerror(errno));
        remove_files(folder, i, published);
        return STATUS_FAILED;
    }
    rmdir(folder->staging);
    return STATUS_OK;
}

static enum status move_folder(struct init_folder *folder, struct error *err)
{
    if (rename(folder->staging, folder->target) == 0)
        return STATUS_OK;
    if (errno == ENOTEMPTY || errno == EEXIST)
        return fail_not_empty(folder->target, err);
    return fail(err, STATUS_FAILED, "cannot make the folder %s: %s", folder->target,
                strerror(errno));
}

enum status init_folder_publish(struct init_folder *folder, struct error *err)
{
    enum status status = folder->is_there ? move_files(folder, err) : move_folder(folder, err);
    if (!status)
        folder->staging = NULL;
    return status;
}

void init_folder_close(struct init_folder *folder)
{
    if (folder->file)
        fclose(folder->file);
    folder->file = NULL;
    if (!folder->staging)
        return;
    remove_files(folder, folder->count, staged);
    rmdir(folder->staging);
    folder->staging = NULL;
}
