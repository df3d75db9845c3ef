/* lmdb_error.c - see lmdb_error.h. */
#include "store/online/lmdb_error.h"

#include "base/bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/statvfs.h>

enum { SIZE_TEXT_SIZE = 32 };

#define NO_RIGHT                                                                                   \
    "this user may not write there, as who only reads does, too: give it the right, or run as "    \
    "another user"

static const struct meaning {
    int code;
    enum status status;
    const char *text;
} meanings[] = {
    {MDB_INVALID, STATUS_CORRUPT,
     "its data.mdb is damaged, or of another kind of machine or program: remove the folder, and "
     "larder materialize fills it anew"},
    {MDB_CORRUPTED, STATUS_CORRUPT,
     "its data.mdb is damaged: remove the folder, and larder materialize fills it anew"},
    {MDB_PAGE_NOTFOUND, STATUS_CORRUPT,
     "its data.mdb is damaged: remove the folder, and larder materialize fills it anew"},
    {MDB_VERSION_MISMATCH, STATUS_CONFLICT,
     "it was made, or is in use, by another version of LMDB or by a program of another word size: "
     "use one of them alone, or remove the folder, and larder materialize fills it anew"},
    {MDB_PANIC, STATUS_FAILED, "an earlier write to its disk failed: start this program again"},
    {MDB_READERS_FULL, STATUS_EXHAUSTED, "too many readers have it open"},
    {MDB_BAD_RSLOT, STATUS_UNAVAILABLE, "its lock.mdb was changed while it was in use"},
    /* What fcntl says to a process whose number another one holds that has it open. */
    {EAGAIN, STATUS_CONFLICT,
     "a process of the same number, in another container, has it open: let the containers share "
     "their process numbers, or use online_store.type: redis"},
    {EACCES, STATUS_FAILED, NO_RIGHT},
    {EPERM, STATUS_FAILED, NO_RIGHT},
    {EROFS, STATUS_FAILED, "its disk is read-only; who only reads writes to its lock.mdb, too"},
    {ENOSPC, STATUS_EXHAUSTED, "its disk is full: make room there, and run this again"},
    {EDQUOT, STATUS_EXHAUSTED,
     "the quota of its disk is used up: make room there, and run this again"},
    {EIO, STATUS_FAILED,
     "its disk is full, or fails (input/output error), or a limit of file sizes is in force: mend "
     "that, and run this again"},
    {EFBIG, STATUS_EXHAUSTED,
     "its data.mdb may not grow: a limit of file sizes is in force: raise it, and run this again"},
};

static const char *format_size(uint64_t bytes, char text[SIZE_TEXT_SIZE])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (unit + 1 < COUNT_OF(units) && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, SIZE_TEXT_SIZE, "%" PRIu64 "%s", bytes, units[unit]);
    return text;
}

/* LMDB says EIO, too, where less was written than asked for, which a full disk does first. */
static bool disk_is_full(const struct lmdb_folder *folder)
{
    struct statvfs facts;
    return statvfs(folder->path, &facts) == 0 && facts.f_bavail < 64;
}

enum status lmdb_fail(const struct lmdb_folder *folder, int code, struct error *err)
{
    char size[SIZE_TEXT_SIZE];
    format_size(folder->max_size_bytes, size);
    if (code == MDB_MAP_FULL)
        return fail(err, STATUS_EXHAUSTED,
                    "lmdb %s is full: raise online_store.max_size, which is %s", folder->path,
                    size);
    if (code == MDB_MAP_RESIZED)
        return fail(err, STATUS_CONFLICT,
                    "lmdb %s has grown beyond this program's online_store.max_size, %s: raise it, "
                    "and start this program again",
                    folder->path, size);
    if (code == ENOMEM)
        return fail(err, STATUS_EXHAUSTED,
                    "lmdb %s: the system gives no %s of address space: lower online_store.max_size",
                    folder->path, size);
    if (code == EIO && disk_is_full(folder))
        code = ENOSPC;
    for (size_t i = 0; i < COUNT_OF(meanings); i++)
        if (meanings[i].code == code)
            return fail(err, meanings[i].status, "lmdb %s: %s", folder->path, meanings[i].text);
    return fail(err, STATUS_FAILED, "lmdb %s: %s", folder->path, mdb_strerror(code));
}

enum status lmdb_fail_late(const struct lmdb_folder *folder, struct error *err)
{
    return fail(err, STATUS_UNAVAILABLE,
                "lmdb %s: another process is writing there, and did not finish in time",
                folder->path);
}
