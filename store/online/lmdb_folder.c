/* lmdb_folder.c - see lmdb_folder.h. */
#include "store/online/lmdb_folder.h"

#include "base/bytes.h"
#include "store/online/lmdb_error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

/* Where another machine may change a file behind our back, LMDB loses data. */
static enum status check_disk_is_local(const struct lmdb_folder *folder, struct error *err)
{
    static const struct {
        uint32_t magic;
        const char *name;
    } remote[] = {
        {NFS_SUPER_MAGIC, "NFS"},  {SMB_SUPER_MAGIC, "SMB"},   {CIFS_SUPER_MAGIC, "SMB"},
        {SMB2_SUPER_MAGIC, "SMB"}, {CEPH_SUPER_MAGIC, "Ceph"}, {AFS_SUPER_MAGIC, "AFS"},
        {AFS_FS_MAGIC, "AFS"},     {V9FS_MAGIC, "9P"},         {CODA_SUPER_MAGIC, "Coda"},
        {NCP_SUPER_MAGIC, "NCP"},
    };
    struct statfs facts;
    if (statfs(folder->path, &facts) < 0)
        return lmdb_fail(folder, errno, err);
    for (size_t i = 0; i < COUNT_OF(remote); i++)
        if (remote[i].magic == (uint32_t)facts.f_type)
            return fail(
                err, STATUS_INVALID,
                "lmdb %s: it is on a network file system (%s), where LMDB loses data: name a "
                "folder on a local disk, or use online_store.type: redis",
                folder->path, remote[i].name);
    return STATUS_OK;
}

/* Only the last folder of the path is made: where a disk is not mounted, what lies below its mount
 * point is not to be made on another one. */
enum status lmdb_folder_make(const struct lmdb_folder *folder, struct error *err)
{
    struct stat facts;
    if (mkdir(folder->path, 0777) < 0 && errno != EEXIST) {
        if (errno == ENOENT)
            return fail(
                err, STATUS_INVALID,
                "lmdb %s: the folder that is to hold it does not exist: make that, or correct "
                "online_store.path",
                folder->path);
        if (errno == ENOTDIR)
            return fail(err, STATUS_INVALID,
                        "lmdb %s: its path leads through a file: correct online_store.path",
                        folder->path);
        return lmdb_fail(folder, errno, err);
    }
    if (stat(folder->path, &facts) < 0)
        return lmdb_fail(folder, errno, err);
    if (!S_ISDIR(facts.st_mode))
        return fail(err, STATUS_INVALID,
                    "lmdb %s: it is a file: online_store.path has to name a folder", folder->path);
    return check_disk_is_local(folder, err);
}

bool lmdb_folder_number(const struct lmdb_folder *folder, const char *name,
                        struct lmdb_file_number *number)
{
    char path[PATH_SIZE];
    struct stat facts;
    if (snprintf(path, sizeof path, "%s/%s", folder->path, name) >= (int)sizeof path ||
        stat(path, &facts) < 0)
        return false;
    *number = (struct lmdb_file_number){facts.st_dev, facts.st_ino};
    return true;
}

int lmdb_folder_reserve(const struct lmdb_folder *folder, const char *name, off_t size)
{
    char path[PATH_SIZE];
    if (snprintf(path, sizeof path, "%s/%s", folder->path, name) >= (int)sizeof path)
        return ENAMETOOLONG;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
        return errno;
    int code;
    do
        code = fallocate(file, 0, 0, size) < 0 ? errno : 0;
    while (code == EINTR);
    close(file);
    /* Some file systems have no such call; some sandboxes neither. */
    return code == EOPNOTSUPP || code == ENOSYS ? 0 : code;
}

static int flush(const struct lmdb_folder *folder, const char *name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    int file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = file < 0 || fsync(file) < 0 ? errno : 0;
    if (file >= 0)
        close(file);
    return code;
}

int lmdb_folder_flush(const struct lmdb_folder *folder)
{
    int code = flush(folder, ".");
    if (!code)
        code = flush(folder, "..");
    return code == EACCES ? 0 : code; /* a folder that may be written to, but not listed */
}
