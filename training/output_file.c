/* output_file.c - see output_file.h. */
#include "training/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITE_SIZE = 1 << 18 };

struct output_file {
    char *path;
    char *temporary; /* NULL: written in place */
    int descriptor;
    struct buffer waiting;
};

static enum status file_failed(const struct output_file *file, struct error *err)
{
    const char *hint = errno == ENOSPC ? "; make room and run it again" : "";
    return fail(err, STATUS_FAILED, "cannot write %s: %s%s", file->path, strerror(errno), hint);
}

static bool is_special(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && !S_ISREG(facts.st_mode);
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

static enum status open_in_place(struct output_file *file, struct error *err)
{
    file->descriptor = open(file->path, O_WRONLY | O_CLOEXEC);
    return file->descriptor < 0 ? file_failed(file, err) : STATUS_OK;
}

enum status output_file_open(const char *path, struct output_file **file, struct error *err)
{
    struct output_file *opened = calloc(1, sizeof *opened);
    if (!opened || !(opened->path = strdup(path)))
        out_of_memory();
    opened->descriptor = -1;
    buffer_init(&opened->waiting, 0);
    enum status status =
        is_special(path) ? open_in_place(opened, err) : open_temporary(opened, err);
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
    buffer_clear(&file->waiting);
    return STATUS_OK;
}

enum status output_file_append(struct output_file *file, const struct buffer *bytes,
                               struct error *err)
{
    buffer_append(&file->waiting, bytes->data, bytes->size);
    return file->waiting.size < WRITE_SIZE ? STATUS_OK : write_waiting(file, err);
}

enum status output_file_finish(struct output_file *file, struct error *err)
{
    enum status status = write_waiting(file, err);
    if (status || !file->temporary)
        return status;
    if (fsync(file->descriptor) || rename(file->temporary, file->path))
        return file_failed(file, err);
    free(file->temporary);
    file->temporary = NULL;
    return STATUS_OK;
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
    buffer_release(&file->waiting);
    free(file);
}
