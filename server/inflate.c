/* inflate.c - see inflate.h. */
#include "server/inflate.h"

#include <stdlib.h>
#include <zlib.h>

enum { EITHER_FORMAT = 15 + 32, ROOM_FIRST = 64 * 1024 };

/* Twice the room, up to one byte over the limit: filling that one tells of too much. */
static void grow(z_stream *stream, uint8_t **expanded, size_t *room, size_t max_size)
{
    size_t wanted = *room ? *room * 2 : ROOM_FIRST;
    if (wanted > max_size + 1)
        wanted = max_size + 1;
    uint8_t *larger = realloc(*expanded, wanted);
    if (!larger)
        out_of_memory();
    stream->next_out = larger + stream->total_out;
    stream->avail_out = (uInt)(wanted - stream->total_out);
    *expanded = larger;
    *room = wanted;
}

enum status inflate_message(struct bytes compressed, size_t max_size, uint8_t **expanded,
                            size_t *size, struct error *err)
{
    size_t room = 0;
    int result = Z_OK;
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)compressed.data,
                       .avail_in = (uInt)compressed.size};
    *expanded = NULL;
    *size = 0;
    if (compressed.size > UINT32_MAX / 2 || max_size > UINT32_MAX / 2)
        return fail(err, STATUS_EXHAUSTED, "a compressed request of %zu bytes", compressed.size);
    if (inflateInit2(&stream, EITHER_FORMAT) != Z_OK)
        out_of_memory();
    while (result == Z_OK && stream.total_out <= max_size) {
        grow(&stream, expanded, &room, max_size);
        result = inflate(&stream, Z_NO_FLUSH);
    }
    *size = stream.total_out;
    inflateEnd(&stream);
    if (result == Z_STREAM_END && *size <= max_size)
        return STATUS_OK;
    free(*expanded);
    *expanded = NULL;
    if (*size > max_size)
        return fail(err, STATUS_EXHAUSTED, "the request expands to more than %zu bytes", max_size);
    return fail(err, STATUS_INVALID, "the compressed request cannot be expanded");
}
