/* spill.c - see spill.h. */
#include "training/spill.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void spill_init(struct spill *spill, size_t memory_max)
{
    *spill = (struct spill){.memory_max = memory_max, .file = -1};
    atomic_flag_clear(&spill->making);
}

void spill_release(struct spill *spill)
{
    if (spill->file >= 0)
        close(spill->file);
    spill->file = -1;
}

static const char *folder(void)
{
    const char *named = getenv("TMPDIR");
    return named && *named ? named : "/tmp";
}

/* Who comes second waits for the first: it takes no longer than making a file. */
static enum status make_file(struct spill *spill, struct error *err)
{
    enum status status = STATUS_OK;
    while (atomic_flag_test_and_set(&spill->making))
        ;
    if (spill->file < 0) {
        char path[4096];
        snprintf(path, sizeof path, "%s/larder-training-XXXXXX", folder());
        spill->file = mkstemp(path);
        if (spill->file < 0)
            status = fail(err, STATUS_FAILED, "cannot make a temporary file %s: %s", path,
                          strerror(errno));
        else
            unlink(path);
    }
    atomic_flag_clear(&spill->making);
    return status;
}

static enum status write_block(struct spill *spill, const uint8_t *block, off_t *at,
                               struct error *err)
{
    enum status status = make_file(spill, err);
    *at = (off_t)atomic_fetch_add(&spill->file_size, SPILL_BLOCK_SIZE);
    for (size_t done = 0; !status && done < SPILL_BLOCK_SIZE;) {
        ssize_t put = pwrite(spill->file, block + done, SPILL_BLOCK_SIZE - done, *at + (off_t)done);
        if (put < 0 && errno != EINTR)
            status = fail(err, STATUS_FAILED,
                          "cannot put rows aside in %s: %s; set TMPDIR to a folder with more "
                          "room, or raise training: memory: in larder.yaml",
                          folder(), strerror(errno));
        done += put > 0 ? (size_t)put : 0;
    }
    return status;
}

static enum status read_block(struct spill *spill, uint8_t *block, off_t at, struct error *err)
{
    for (size_t done = 0; done < SPILL_BLOCK_SIZE;) {
        ssize_t got = pread(spill->file, block + done, SPILL_BLOCK_SIZE - done, at + (off_t)done);
        if (got == 0 || (got < 0 && errno != EINTR))
            return fail(err, STATUS_FAILED, "cannot read again what was put aside in %s: %s",
                        folder(), got == 0 ? "it is shorter" : strerror(errno));
        done += got > 0 ? (size_t)got : 0;
    }
    return STATUS_OK;
}

void spilled_init(struct spilled *spilled, struct spill *spill)
{
    *spilled = (struct spilled){.spill = spill};
}

void spilled_place_release(struct spilled_place *place)
{
    free(place->copy);
    *place = (struct spilled_place){0};
}

void spilled_release(struct spilled *spilled)
{
    for (size_t i = 0; i < spilled->block_count; i++)
        if (spilled->blocks[i].memory) {
            free(spilled->blocks[i].memory);
            atomic_fetch_sub(&spilled->spill->memory_used, SPILL_BLOCK_SIZE);
        }
    free(spilled->blocks);
    free(spilled->current);
    spilled_place_release(&spilled->place);
    *spilled = (struct spilled){.spill = spilled->spill};
}

static uint8_t *new_block(void)
{
    uint8_t *block = malloc(SPILL_BLOCK_SIZE);
    if (!block)
        out_of_memory();
    return block;
}

static void add_block(struct spilled *spilled, struct spill_block block)
{
    if (spilled->block_count == spilled->block_capacity) {
        spilled->block_capacity = spilled->block_capacity ? 2 * spilled->block_capacity : 16;
        spilled->blocks =
            realloc(spilled->blocks, spilled->block_capacity * sizeof *spilled->blocks);
        if (!spilled->blocks)
            out_of_memory();
    }
    spilled->blocks[spilled->block_count++] = block;
}

static enum status put_current_aside(struct spilled *spilled, struct error *err)
{
    struct spill *spill = spilled->spill;
    struct spill_block block = {.memory = spilled->current};
    if (atomic_fetch_add(&spill->memory_used, SPILL_BLOCK_SIZE) + SPILL_BLOCK_SIZE <=
        spill->memory_max) {
        spilled->current = NULL;
    } else {
        atomic_fetch_sub(&spill->memory_used, SPILL_BLOCK_SIZE);
        block.memory = NULL;
        enum status status = write_block(spill, spilled->current, &block.at, err);
        if (status)
            return status;
    }
    add_block(spilled, block);
    spilled->current_size = 0;
    return STATUS_OK;
}

enum status spilled_append(struct spilled *spilled, const void *data, size_t size,
                           struct error *err)
{
    const uint8_t *from = data;
    while (size > 0) {
        if (spilled->current_size == SPILL_BLOCK_SIZE) {
            enum status status = put_current_aside(spilled, err);
            if (status)
                return status;
        }
        if (!spilled->current)
            spilled->current = new_block();
        size_t room = SPILL_BLOCK_SIZE - spilled->current_size;
        size_t part = size < room ? size : room;
        memcpy(spilled->current + spilled->current_size, from, part);
        spilled->current_size += part;
        from += part;
        size -= part;
    }
    return STATUS_OK;
}

/* The last block becomes one of the others. */
void spilled_rewind(struct spilled *spilled)
{
    if (spilled->current_size > 0) {
        add_block(spilled, (struct spill_block){.memory = spilled->current});
        atomic_fetch_add(&spilled->spill->memory_used, SPILL_BLOCK_SIZE);
        spilled->last_size = spilled->current_size;
        spilled->current = NULL;
        spilled->current_size = 0;
    }
    spilled_place_release(&spilled->place);
}

static size_t size_of_block(const struct spilled *spilled, size_t index)
{
    return index + 1 == spilled->block_count ? spilled->last_size : SPILL_BLOCK_SIZE;
}

static enum status next_block(const struct spilled *spilled, struct spilled_place *place,
                              struct error *err)
{
    const struct spill_block *block = &spilled->blocks[place->next_block++];
    place->at = 0;
    place->block = block->memory;
    if (block->memory)
        return STATUS_OK;
    if (!place->copy)
        place->copy = new_block();
    place->block = place->copy;
    return read_block(spilled->spill, place->copy, block->at, err);
}

enum status spilled_read_at(const struct spilled *spilled, struct spilled_place *place, void *data,
                            size_t size, bool *end, struct error *err)
{
    uint8_t *to = data;
    *end = false;
    while (size > 0) {
        size_t left = place->block ? size_of_block(spilled, place->next_block - 1) - place->at : 0;
        if (left == 0 && place->next_block == spilled->block_count) {
            *end = to == data;
            return *end ? STATUS_OK
                        : fail(err, STATUS_CORRUPT, "what was put aside ends within a row");
        }
        if (left == 0) {
            enum status status = next_block(spilled, place, err);
            if (status)
                return status;
            continue;
        }
        size_t part = size < left ? size : left;
        memcpy(to, place->block + place->at, part);
        place->at += part;
        to += part;
        size -= part;
    }
    return STATUS_OK;
}

enum status spilled_read(struct spilled *spilled, void *data, size_t size, bool *end,
                         struct error *err)
{
    return spilled_read_at(spilled, &spilled->place, data, size, end, err);
}

uint64_t spilled_size(const struct spilled *spilled)
{
    uint64_t blocks = (uint64_t)spilled->block_count * SPILL_BLOCK_SIZE;
    return blocks + spilled->current_size -
           (spilled->last_size ? SPILL_BLOCK_SIZE - spilled->last_size : 0);
}
