/* delivery.c - see delivery.h. */
#include "training/delivery.h"

#include <errno.h>
#include <unistd.h>

static enum status complete_manifest(const struct manifest *manifest, struct output_file *file,
                                     struct error *err)
{
    struct buffer text;
    buffer_init(&text, 0);
    manifest_format(manifest, &text);
    enum status status = output_file_append(file, &text, err);
    buffer_release(&text);
    return status ? status : output_file_complete(file, err);
}

/* That of another training set, beside the file that is about to be replaced. */
static enum status remove_stale(const struct manifest *manifest, struct error *err)
{
    if (!output_is_plain(manifest->out_path))
        return STATUS_OK;
    const char *path = arena_printf(manifest->arena, "%s" MANIFEST_ENDING, manifest->out_path);
    if (unlink(path) == 0 || errno == ENOENT)
        return STATUS_OK;
    return fail(err, STATUS_FAILED, "cannot remove %s, which would not be of the new file: %s",
                path, strerror(errno));
}

enum status delivery_place(struct output_file *file, const struct manifest *manifest,
                           const char *manifest_path, bool is_same, struct error *err)
{
    struct output_file *told = NULL;
    enum status status = STATUS_OK;
    if (manifest_path)
        status = output_file_open(manifest_path, &told, err);
    if (!status && told)
        status = complete_manifest(manifest, told, err);
    if (!status && told)
        status = output_file_vacate(told, err);
    if (!status && !is_same)
        status = remove_stale(manifest, err);
    if (!status)
        status = output_file_place(file, err);
    if (!status && told)
        status = output_file_place(told, err);
    output_file_close(told);
    return status;
}
