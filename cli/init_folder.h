/*
 * init_folder.h - a folder that appears with all of its files, or not at all.
 *
 * Files are written into a staging folder beside the target (inside it, where the target is there
 * already and is empty: it may be a mount, or where somebody stands), and moved when they are
 * whole. Whatever goes wrong before that, close leaves nothing behind. One thread.
 */
#ifndef LARDER_CLI_INIT_FOLDER_H
#define LARDER_CLI_INIT_FOLDER_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>

struct init_folder {
    struct arena *arena;
    const char *target;
    char *staging;      /* NULL: there is none (any more) */
    bool is_there;      /* the target was there before */
    FILE *file;         /* the one that is being written */
    const char **names; /* of all files, that one included */
    size_t count, capacity;
};

/* INVALID: the target is a file, or a folder that is not empty. NOT_FOUND: what it stands in is not
 * there. Close it, whatever comes out. */
enum status init_folder_open(const char *target, struct arena *arena, struct init_folder *folder,
                             struct error *err);
/* A new file, one at a time: create, write as often as needed, finish. FAILED if it cannot be
 * written. */
enum status init_folder_create(struct init_folder *folder, const char *name, struct error *err);
enum status init_folder_write(struct init_folder *folder, struct bytes bytes, struct error *err);
enum status init_folder_finish(struct init_folder *folder, struct error *err);
/* The folder is there, with all that was created. */
enum status init_folder_publish(struct init_folder *folder, struct error *err);
void init_folder_close(struct init_folder *folder);

#endif
