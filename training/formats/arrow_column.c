/* arrow_column.c - see arrow_column.h. Nodes and buffers are listed one field behind the other, a
 * list's elements behind the list. */
#include "training/formats/arrow_column.h"

#include "base/byte_order.h"
#include "training/formats/arrow_codec.h"

/* What compression may add to a batch. */
static const uint64_t grown_max = UINT64_C(1) << 31;

/* Slots of Arrow's tables. */
enum { BATCH_LENGTH, BATCH_NODES, BATCH_BUFFERS, BATCH_COMPRESSION, BATCH_VIEW_COUNTS };
enum { COMPRESSION_CODEC };
enum { NODE_SIZE = 16, BUFFER_SIZE = 16 }; /* each a pair of int64 */

struct loader {
    const struct arrow_input *input;
    const struct arrow_message *message;
    struct flat_vector nodes, buffers, view_counts;
    size_t node, buffer, view; /* the next of each */
    int codec;
    bool wanted;
    uint64_t room; /* how much more may be allocated */
    struct arena *arena;
    struct buffer compressed;
};

static enum status does_not_fit(struct error *err)
{
    return arrow_input_damaged("a record batch does not fit its schema", err);
}

static enum status allocate(struct loader *loader, uint64_t size, uint8_t **bytes,
                            struct error *err)
{
    if (size > loader->room)
        return fail(err, STATUS_EXHAUSTED, "a record batch is too large; write smaller ones");
    loader->room -= size;
    *bytes = arena_alloc(loader->arena, (size_t)size + 1);
    return STATUS_OK;
}

static enum status read_plain(struct loader *loader, uint64_t at, uint64_t size,
                              struct bytes *found, struct error *err)
{
    uint8_t *bytes = NULL;
    enum status status = allocate(loader, size, &bytes, err);
    if (!status)
        status = arrow_input_read(loader->input, at, size, bytes, err);
    *found = status ? (struct bytes){0} : (struct bytes){bytes, (size_t)size};
    return status;
}

/* A compressed buffer says first how large it is, -1 where it is not compressed. */
static enum status read_compressed(struct loader *loader, uint64_t at, uint64_t size,
                                   struct bytes *found, struct error *err)
{
    uint8_t stated[8] = {0}, *bytes = NULL;
    if (size < sizeof stated)
        return arrow_input_damaged("a compressed buffer is too short", err);
    enum status status = arrow_input_read(loader->input, at, sizeof stated, stated, err);
    uint64_t whole_size = load_le64(stated);
    at += sizeof stated;
    size -= sizeof stated;
    if (status || whole_size == UINT64_MAX)
        return status ? status : read_plain(loader, at, size, found, err);
    if (whole_size == 0)
        return STATUS_OK;
    if (whole_size / ARROW_GROWTH_MAX > size)
        return arrow_input_damaged("a compressed buffer is damaged", err);
    status = allocate(loader, whole_size, &bytes, err);
    if (status)
        return status;
    buffer_clear(&loader->compressed);
    uint8_t *compressed = buffer_reserve(&loader->compressed, (size_t)size + 1);
    status = arrow_input_read(loader->input, at, size, compressed, err);
    if (!status && !arrow_decompress(loader->codec, (struct bytes){compressed, (size_t)size}, bytes,
                                     (size_t)whole_size))
        status = arrow_input_damaged("a compressed buffer is damaged", err);
    *found = (struct bytes){bytes, (size_t)whole_size};
    return status;
}

static enum status next_buffer(struct loader *loader, struct bytes *found, struct error *err)
{
    *found = (struct bytes){"", 0};
    if (loader->buffer == loader->buffers.count)
        return does_not_fit(err);
    const uint8_t *listed = flat_vector_element(loader->buffers, loader->buffer++);
    uint64_t at = load_le64(listed), size = load_le64(listed + 8);
    if (at > loader->message->body_size || size > loader->message->body_size - at)
        return arrow_input_damaged("a buffer lies outside of its message", err);
    if (size == 0 || !loader->wanted)
        return STATUS_OK;
    at += loader->message->body_at;
    return loader->codec == ARROW_CODEC_NONE ? read_plain(loader, at, size, found, err)
                                             : read_compressed(loader, at, size, found, err);
}

static enum status begin_column(struct loader *loader, struct arrow_column *column, bool has_bitmap,
                                struct error *err)
{
    *column = (struct arrow_column){0};
    if (loader->node == loader->nodes.count)
        return does_not_fit(err);
    const uint8_t *node = flat_vector_element(loader->nodes, loader->node++);
    column->length = (int64_t)load_le64(node);
    int64_t null_count = (int64_t)load_le64(node + 8);
    enum status status = has_bitmap ? next_buffer(loader, &column->validity, err) : STATUS_OK;
    if (!status && has_bitmap && loader->wanted && null_count > 0 && column->validity.size == 0)
        status = arrow_input_damaged("a column has nulls, and does not say which", err);
    if (!status && column->length < 0)
        status = does_not_fit(err);
    return status;
}

/* How many buffers a column of views has is listed apart. */
static enum status load_view_buffers(struct loader *loader, struct arrow_column *column,
                                     struct error *err)
{
    if (loader->view == loader->view_counts.count)
        return does_not_fit(err);
    uint64_t count = load_le64(flat_vector_element(loader->view_counts, loader->view++));
    if (count > loader->buffers.count - loader->buffer)
        return does_not_fit(err);
    enum status status = STATUS_OK;
    column->buffer_count = (size_t)count;
    column->buffers = arena_array(loader->arena, column->buffer_count, sizeof *column->buffers);
    for (size_t i = 0; i < column->buffer_count && !status; i++)
        status = next_buffer(loader, &column->buffers[i], err);
    return status;
}

/* Each cell begins where the one before it ends, so that all cells together are no more than what
 * they lie in. */
static enum status check_offsets(const struct loader *loader, const struct arrow_column *column,
                                 unsigned width, uint64_t end, struct error *err)
{
    const uint8_t *offsets = column->values.data;
    uint64_t before = 0, count = column->values.size / width, length = (uint64_t)column->length;
    if (!loader->wanted || length == 0)
        return STATUS_OK;
    bool fits = length < count;
    for (uint64_t i = 0; fits && i <= length; i++) {
        uint64_t offset = width == 4 ? load_le32(offsets + i * 4) : load_le64(offsets + i * 8);
        fits = offset >= before && offset <= end;
        before = offset;
    }
    return fits ? STATUS_OK : arrow_input_damaged("a value lies outside of its buffer", err);
}

static enum status load_scalars(struct loader *loader, const struct arrow_scalar *scalar,
                                struct arrow_column *column, struct error *err)
{
    bool is_null = scalar->kind == ARROW_NULL;
    enum status status = begin_column(loader, column, !is_null, err);
    if (status || is_null)
        return status;
    status = next_buffer(loader, &column->values, err);
    if (!status && arrow_is_view(scalar->kind))
        return load_view_buffers(loader, column, err);
    if (status || !arrow_has_offsets(scalar->kind))
        return status;
    status = next_buffer(loader, &column->data, err);
    return status ? status : check_offsets(loader, column, scalar->width, column->data.size, err);
}

static enum status load_list(struct loader *loader, const struct arrow_field *field,
                             struct arrow_column *column, struct error *err)
{
    enum status status = begin_column(loader, column, true, err);
    if (!status)
        status = next_buffer(loader, &column->values, err);
    if (status)
        return status;
    column->elements = arena_alloc(loader->arena, sizeof *column->elements);
    status = load_scalars(loader, &field->scalar, column->elements, err);
    return status ? status
                  : check_offsets(loader, column, field->list_width,
                                  (uint64_t)column->elements->length, err);
}

static enum status load_column(struct loader *loader, const struct arrow_field *field,
                               struct arrow_column *column, struct error *err)
{
    if (field->list_width)
        return load_list(loader, field, column, err);
    return load_scalars(loader, field->is_dictionary ? &field->index : &field->scalar, column, err);
}

static enum status begin_batch(struct loader *loader, struct flat_table batch, int64_t *rows,
                               struct error *err)
{
    struct flat_table compression = flat_child(batch, BATCH_COMPRESSION);
    *rows = flat_integer(batch, BATCH_LENGTH, 8, 0);
    loader->nodes = flat_vector(batch, BATCH_NODES, NODE_SIZE);
    loader->buffers = flat_vector(batch, BATCH_BUFFERS, BUFFER_SIZE);
    loader->view_counts = flat_vector(batch, BATCH_VIEW_COUNTS, sizeof(int64_t));
    if (flat_is_present(compression))
        loader->codec =
            (int)flat_integer(compression, COMPRESSION_CODEC, 1, ARROW_CODEC_LZ4) & UINT8_MAX;
    if (!flat_is_present(batch) || batch.message->damaged || *rows < 0)
        return arrow_input_damaged("a record batch is damaged", err);
    if (loader->codec > ARROW_CODEC_ZSTD)
        return fail(err, STATUS_INVALID, "it is compressed in a way that is not known");
    return STATUS_OK;
}

enum status arrow_columns_load(const struct arrow_input *input, const struct arrow_message *message,
                               struct flat_table batch, const struct arrow_field *fields,
                               const bool *wanted, size_t count, struct arena *arena,
                               struct arrow_column *columns, int64_t *rows, struct error *err)
{
    struct loader loader = {.input = input,
                            .message = message,
                            .codec = ARROW_CODEC_NONE,
                            .room = message->body_size + grown_max,
                            .arena = arena};
    buffer_init(&loader.compressed, 0);
    enum status status = begin_batch(&loader, batch, rows, err);
    for (size_t i = 0; i < count && !status; i++) {
        loader.wanted = wanted[i];
        status = load_column(&loader, &fields[i], &columns[i], err);
        if (!status && columns[i].length != *rows)
            status = does_not_fit(err);
    }
    if (!status && (loader.node != loader.nodes.count || loader.buffer != loader.buffers.count))
        status = does_not_fit(err);
    buffer_release(&loader.compressed);
    return status;
}
