/* copy_reader.c - see copy_reader.h. */
#include "store/offline/copy_reader.h"

#include "base/byte_order.h"

enum {
    TUPLE_SIZE_MAX = 1 << 30, /* no message of PostgreSQL's is as large */
    HEADER_SIZE = 19,
};

void copy_reader_init(struct copy_reader *reader, size_t field_count)
{
    *reader = (struct copy_reader){.field_count = field_count, .rest = {"", 0}};
    buffer_init(&reader->kept, TUPLE_SIZE_MAX);
}

void copy_reader_release(struct copy_reader *reader)
{
    buffer_release(&reader->kept);
}

static enum status too_large(struct error *err)
{
    return fail(err, STATUS_CORRUPT, "PostgreSQL sent a row of over %d bytes", TUPLE_SIZE_MAX);
}

static enum status behind_the_end(size_t size, struct error *err)
{
    if (size == 0)
        return STATUS_OK;
    return fail(err, STATUS_CORRUPT, "PostgreSQL sent %zu bytes behind the end of a COPY stream",
                size);
}

enum status copy_reader_feed(struct copy_reader *reader, struct bytes chunk, struct error *err)
{
    if (reader->ended)
        return behind_the_end(chunk.size, err);
    if (reader->kept.size == 0) {
        reader->rest = chunk;
        return STATUS_OK;
    }
    buffer_append(&reader->kept, chunk.data, chunk.size);
    reader->rest = buffer_bytes(&reader->kept);
    return reader->kept.overflow ? too_large(err) : STATUS_OK;
}

/* The chunk goes back to its owner: what is left of it is copied. */
static enum status keep_rest(struct copy_reader *reader, struct error *err)
{
    struct bytes rest = reader->rest;
    bool is_kept = reader->kept.size > 0; /* then feed made it a part of that */
    buffer_clear(&reader->kept);
    if (is_kept) {
        memmove(reader->kept.data, rest.data, rest.size);
        reader->kept.size = rest.size;
    } else {
        buffer_append(&reader->kept, rest.data, rest.size);
    }
    reader->rest = buffer_bytes(&reader->kept);
    return reader->kept.overflow ? too_large(err) : STATUS_OK;
}

static void skip(struct copy_reader *reader, size_t size)
{
    reader->rest.data = (const uint8_t *)reader->rest.data + size;
    reader->rest.size -= size;
}

static enum status take_header(struct copy_reader *reader, enum copy_step *step, struct error *err)
{
    static const uint8_t signature[] = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n', 0};
    const uint8_t *at = reader->rest.data;
    size_t known = reader->rest.size < sizeof signature ? reader->rest.size : sizeof signature;
    if (known > 0 && memcmp(at, signature, known) != 0)
        return fail(err, STATUS_CORRUPT,
                    "PostgreSQL sent something else than a COPY BINARY stream");
    *step = COPY_MORE;
    if (reader->rest.size < HEADER_SIZE)
        return STATUS_OK;
    if (load_be32(at + 11) >> 16 != 0)
        return fail(err, STATUS_CORRUPT, "PostgreSQL sent a COPY BINARY stream of an unknown kind");
    size_t extension = load_be32(at + 15);
    if (extension > TUPLE_SIZE_MAX)
        return fail(err, STATUS_CORRUPT, "PostgreSQL sent a COPY BINARY header of %zu bytes",
                    extension);
    if (reader->rest.size - HEADER_SIZE < extension)
        return STATUS_OK;
    skip(reader, HEADER_SIZE + extension);
    reader->in_tuples = true;
    *step = COPY_TUPLE;
    return STATUS_OK;
}

static enum status take_trailer(struct copy_reader *reader, enum copy_step *step, struct error *err)
{
    skip(reader, 2);
    reader->ended = true;
    *step = COPY_END;
    return behind_the_end(reader->rest.size, err);
}

/* Leaves the reader where it is unless the whole tuple is there. */
static enum status take_tuple(struct copy_reader *reader, struct bytes *fields,
                              enum copy_step *step, struct error *err)
{
    *step = COPY_MORE;
    if (reader->rest.size < 2)
        return STATUS_OK;
    size_t count = load_be16(reader->rest.data);
    if (count == UINT16_MAX)
        return take_trailer(reader, step, err);
    if (count != reader->field_count)
        return fail(err, STATUS_CORRUPT, "PostgreSQL sent a row of %zu fields instead of %zu",
                    count, reader->field_count);
    const uint8_t *at = (const uint8_t *)reader->rest.data + 2;
    size_t left = reader->rest.size - 2;
    for (size_t i = 0; i < count; i++) {
        if (left < 4)
            return STATUS_OK;
        size_t size = load_be32(at);
        fields[i] =
            (struct bytes){size == UINT32_MAX ? NULL : at + 4, size == UINT32_MAX ? 0 : size};
        if (fields[i].size > TUPLE_SIZE_MAX)
            return fail(err, STATUS_CORRUPT, "PostgreSQL sent a field of %zu bytes", size);
        if (left - 4 < fields[i].size)
            return STATUS_OK;
        at += 4 + fields[i].size;
        left -= 4 + fields[i].size;
    }
    reader->rest = (struct bytes){at, left};
    *step = COPY_TUPLE;
    return STATUS_OK;
}

enum status copy_reader_next(struct copy_reader *reader, struct bytes *fields, enum copy_step *step,
                             struct error *err)
{
    enum status status = STATUS_OK;
    *step = reader->ended ? COPY_END : COPY_TUPLE;
    if (reader->ended)
        return STATUS_OK;
    if (!reader->in_tuples)
        status = take_header(reader, step, err);
    if (!status && *step == COPY_TUPLE)
        status = take_tuple(reader, fields, step, err);
    if (!status && *step == COPY_MORE)
        status = keep_rest(reader, err);
    return status;
}
