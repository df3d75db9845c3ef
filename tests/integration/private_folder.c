/* private_folder.c - see private_folder.h. */
#include "private_folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

_Noreturn static void give_up(const char *what)
{
    fprintf(stderr, "private folder: %s\n", what);
    abort();
}

static int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *ftw)
{
    (void)facts, (void)kind, (void)ftw;
    return remove(path);
}

static void remove_tree(const char *path)
{
    if (access(path, F_OK) == 0 && nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS) != 0)
        give_up("it cannot be removed");
}

void private_folder_make(struct private_folder *folder)
{
    *folder = (struct private_folder){.directory = "/tmp/larder-lmdb-XXXXXX"};
    if (!mkdtemp(folder->directory))
        give_up("it cannot be made");
    snprintf(folder->path, sizeof folder->path, "%s/online", folder->directory);
}

void private_folder_clear(const struct private_folder *folder)
{
    remove_tree(folder->path);
}

void private_folder_remove(const struct private_folder *folder)
{
    remove_tree(folder->directory);
}

struct settings folder_settings(const char *path, uint32_t timeout_ms)
{
    return (struct settings){.online_store = {.type = "lmdb",
                                              .path = path,
                                              .max_size_bytes = UINT64_C(1) << 30,
                                              .timeout_ms = timeout_ms}};
}

static struct online_store *open_store(const struct settings *settings)
{
    struct online_store *store;
    struct error err;
    if (online_store_open(settings, &store, &err))
        give_up(err.message);
    return store;
}

struct online_store *store_in(const char *path, uint32_t timeout_ms)
{
    struct settings settings = folder_settings(path, timeout_ms);
    return open_store(&settings);
}

struct online_store *store_of_size(const char *path, uint64_t max_size_bytes)
{
    struct settings settings = folder_settings(path, 5000);
    settings.online_store.max_size_bytes = max_size_bytes;
    return open_store(&settings);
}
