/* output_file.c - see output_file.h. */
#include "training/formats/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WRITE_SIZE = 1 << 18,
    LINKS_MAX = 40,
    NAMES_MAX = 100, /* that may be taken already */
};

struct output_file {
    char *name;      /* in messages */
    char *path;      /* where it belongs, behind any links */
    char *temporary; /* what it is called until it is complete; NULL: nothing */
    bool is_direct;  /* written where it belongs */
    int descriptor;
    struct buffer waiting;
    struct checksum *checksum;
    struct output_summary summary;
};

bool output_is_standard(const char *path)
{
    return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0;
}

const char *output_name(const char *path)
{
    return output_is_standard(path) ? "standard output" : path;
}

static enum status file_failed(const struct output_file *file, struct error *err)
{
    const char *hint = errno == ENOSPC ? "; make room and run it again" : "";
    return fail(err, STATUS_FAILED, "cannot write %s: %s%s", file->name, strerror(errno), hint);
}

/* What lies behind an open descriptor may be a plain file, but its place is not ours to fill. */
static bool is_special(const char *path)
{
    struct stat facts;
    return strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/", 6) == 0 ||
           (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode));
}

bool output_is_plain(const char *path)
{
    return !output_is_standard(path) && !is_special(path);
}

static size_t folder_size(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* The last file of a chain of links need not be there. */
static enum status follow_links(struct output_file *file, struct error *err)
{
    for (int links = 0; links < LINKS_MAX; links++) {
        char target[PATH_MAX];
        ssize_t size = readlink(file->path, target, sizeof target - 1);
        if (size < 0)
            return STATUS_OK;
        target[size] = '\0';
        int folder = *target == '/' ? 0 : (int)folder_size(file->path);
        char *next;
        if (asprintf(&next, "%.*s%s", folder, file->path, target) < 0)
            out_of_memory();
        free(file->path);
        file->path = next;
    }
    errno = ELOOP;
    return file_failed(file, err);
}

/* /proc is what gives it a name in the end. */
static bool can_be_named(int descriptor, char path[32])
{
    snprintf(path, 32, "/proc/self/fd/%d", descriptor);
    return access(path, F_OK) == 0;
}

/* Nothing is left behind whatever ends the process. false: not on this file system. */
static bool open_unnamed(struct output_file *file)
{
    char *folder, unnamed[32];
    if (asprintf(&folder, "%.*s.", (int)folder_size(file->path), file->path) < 0)
        out_of_memory();
    file->descriptor = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    free(folder);
    if (file->descriptor >= 0 && !can_be_named(file->descriptor, unnamed)) {
        close(file->descriptor);
        file->descriptor = -1;
    }
    return file->descriptor >= 0;
}

/* As an ordinary open(2) would have made it: mkostemp gives rights to the owner alone. */
static void give_usual_rights(int descriptor)
{
    mode_t mask = umask(0);
    umask(mask);
    fchmod(descriptor, 0666 & ~mask);
}

static enum status open_temporary(struct output_file *file, struct error *err)
{
    if (asprintf(&file->temporary, "%s.XXXXXX", file->path) < 0)
        out_of_memory();
    file->descriptor = mkostemp(file->temporary, O_CLOEXEC);
    if (file->descriptor < 0) {
        free(file->temporary);
        file->temporary = NULL;
        return file_failed(file, err);
    }
    give_usual_rights(file->descriptor);
    return STATUS_OK;
}

static enum status open_directly(struct output_file *file, struct error *err)
{
    file->is_direct = true;
    file->descriptor = output_is_standard(file->path)
                           ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                           : open(file->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    return file->descriptor < 0 ? file_failed(file, err) : STATUS_OK;
}

static enum status open_file(struct output_file *file, struct error *err)
{
    if (!output_is_plain(file->path))
        return open_directly(file, err);
    enum status status = follow_links(file, err);
    if (status || open_unnamed(file))
        return status;
    return open_temporary(file, err);
}

enum status output_file_open(const char *path, struct output_file **file, struct error *err)
{
    struct output_file *opened = calloc(1, sizeof *opened);
    if (!opened || !(opened->path = strdup(path)) || !(opened->name = strdup(output_name(path))))
        out_of_memory();
    opened->descriptor = -1;
    opened->checksum = checksum_open();
    buffer_init(&opened->waiting, 0);
    enum status status = open_file(opened, err);
    if (status) {
        output_file_close(opened);
        opened = NULL;
    }
    *file = opened;
    return status;
}

static enum status write_waiting(struct output_file *file, struct error *err)
{
    const uint8_t *at = file->waiting.data;
    for (size_t left = file->waiting.size; left > 0;) {
        ssize_t put = write(file->descriptor, at, left);
        if (put < 0 && errno != EINTR)
            return file_failed(file, err);
        at += put > 0 ? put : 0;
        left -= put > 0 ? (size_t)put : 0;
    }
    checksum_add(file->checksum, buffer_bytes(&file->waiting));
    file->summary.size += file->waiting.size;
    buffer_clear(&file->waiting);
    return STATUS_OK;
}

enum status output_file_append(struct output_file *file, const struct buffer *bytes,
                               struct error *err)
{
    buffer_append(&file->waiting, bytes->data, bytes->size);
    return file->waiting.size < WRITE_SIZE ? STATUS_OK : write_waiting(file, err);
}

/* A link cannot replace a file, but a file of another name can. */
static enum status give_name(struct output_file *file, struct error *err)
{
    char unnamed[32];
    can_be_named(file->descriptor, unnamed);
    for (int number = 0; number < NAMES_MAX; number++) {
        if (asprintf(&file->temporary, "%s.%ld-%d", file->path, (long)getpid(), number) < 0)
            out_of_memory();
        if (linkat(AT_FDCWD, unnamed, AT_FDCWD, file->temporary, AT_SYMLINK_FOLLOW) == 0)
            return STATUS_OK;
        free(file->temporary);
        file->temporary = NULL;
        if (errno != EEXIST)
            break;
    }
    return file_failed(file, err);
}

enum status output_file_complete(struct output_file *file, struct error *err)
{
    enum status status = write_waiting(file, err);
    if (status)
        return status;
    checksum_finish(file->checksum, file->summary.sha256);
    if (file->is_direct)
        return STATUS_OK;
    if (fsync(file->descriptor))
        return file_failed(file, err);
    return file->temporary ? STATUS_OK : give_name(file, err);
}

enum status output_file_vacate(struct output_file *file, struct error *err)
{
    bool failed = !file->is_direct && unlink(file->path) && errno != ENOENT;
    return failed ? file_failed(file, err) : STATUS_OK;
}

enum status output_file_place(struct output_file *file, struct error *err)
{
    if (file->is_direct)
        return STATUS_OK;
    if (rename(file->temporary, file->path))
        return file_failed(file, err);
    free(file->temporary);
    file->temporary = NULL;
    return STATUS_OK;
}

enum status output_file_finish(struct output_file *file, struct error *err)
{
    enum status status = output_file_complete(file, err);
    return status ? status : output_file_place(file, err);
}

const struct output_summary *output_file_summary(const struct output_file *file)
{
    return &file->summary;
}

void output_file_close(struct output_file *file)
{
    if (!file)
        return;
    if (file->descriptor >= 0)
        close(file->descriptor);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    free(file->name);
    buffer_release(&file->waiting);
    checksum_close(file->checksum);
    free(file);
}
