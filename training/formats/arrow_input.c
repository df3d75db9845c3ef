/* arrow_input.c - see arrow_input.h. */
#include "training/formats/arrow_input.h"

#include "base/byte_order.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static const char file_mark[6] = {'A', 'R', 'R', 'O', 'W', '1'};
static const uint32_t message_mark = 0xffffffff;

enum {
    FILE_HEAD_SIZE = 8, /* the mark, padded */
    FILE_TAIL_SIZE = 4 + sizeof file_mark,
    BLOCK_SIZE =
        24, /* of the table of contents: a place, and two sizes that the message has, too */
    VERSION_4 = 3,
    VERSION_5 = 4,
};
/* Slots of Arrow's tables. */
enum { MESSAGE_VERSION, MESSAGE_KIND, MESSAGE_HEADER, MESSAGE_BODY_SIZE };
enum { CONTENTS_VERSION, CONTENTS_SCHEMA, CONTENTS_DICTIONARIES, CONTENTS_BATCHES };

enum status arrow_input_damaged(const char *why, struct error *err)
{
    return fail(err, STATUS_INVALID, "not a whole Arrow file or stream: %s", why);
}

static bool is_within(const struct arrow_input *input, uint64_t at, uint64_t size)
{
    return at <= input->size && size <= input->size - at;
}

enum status arrow_input_read(const struct arrow_input *input, uint64_t at, uint64_t size,
                             void *bytes, struct error *err)
{
    if (!is_within(input, at, size))
        return arrow_input_damaged("it ends too early", err);
    for (uint64_t done = 0; done < size;) {
        ssize_t part =
            pread(input->descriptor, (char *)bytes + done, size - done, (off_t)(at + done));
        if (part < 0 && errno != EINTR)
            return fail(err, STATUS_FAILED, "%s", strerror(errno));
        if (part == 0)
            return arrow_input_damaged("it was cut while it was read", err);
        done += part > 0 ? (uint64_t)part : 0;
    }
    return STATUS_OK;
}

/* Into a buffer of ours, and a message made of it. */
static enum status read_flat(const struct arrow_input *input, uint64_t at, uint64_t size,
                             struct buffer *buffer, struct flat_message *message, struct error *err)
{
    buffer_clear(buffer);
    if (!is_within(input, at, size))
        return arrow_input_damaged("it ends too early", err);
    enum status status =
        arrow_input_read(input, at, size, buffer_reserve(buffer, (size_t)size + 1), err);
    *message = (struct flat_message){.data = buffer->data, .size = (size_t)size};
    return status;
}

static enum status check_version(int64_t version, struct error *err)
{
    if (version == VERSION_4 || version == VERSION_5)
        return STATUS_OK;
    return fail(err, STATUS_INVALID, "Arrow's format of version %lld is not read, 4 and 5 are",
                (long long)version + 1);
}

static enum status decode_message(struct arrow_input *input, uint64_t body_at,
                                  struct arrow_message *message, struct error *err)
{
    struct flat_table root = flat_root(&input->message);
    int64_t body_size = flat_integer(root, MESSAGE_BODY_SIZE, 8, 0);
    message->kind = (int)flat_integer(root, MESSAGE_KIND, 1, 0);
    message->header = flat_child(root, MESSAGE_HEADER);
    message->body_at = body_at;
    message->body_size = (uint64_t)body_size;
    if (input->message.damaged || !flat_is_present(message->header))
        return arrow_input_damaged("a message is damaged", err);
    if (body_size < 0 || !is_within(input, body_at, message->body_size))
        return arrow_input_damaged("a message is longer than what is left", err);
    return check_version(flat_integer(root, MESSAGE_VERSION, 2, 0), err);
}

/* Before a message stand a mark, which old writers leave out, and the size of what describes it;
 * size 0 is the end of a stream. */
static enum status read_message(struct arrow_input *input, uint64_t at,
                                struct arrow_message *message, bool *found, struct error *err)
{
    uint8_t begins[8];
    enum status status = arrow_input_read(input, at, 4, begins, err);
    uint64_t size_at = status || load_le32(begins) != message_mark ? 0 : 4;
    if (!status && size_at > 0)
        status = arrow_input_read(input, at + size_at, 4, begins, err);
    if (status)
        return status;
    uint32_t size = load_le32(begins);
    *found = size > 0;
    if (!*found)
        return STATUS_OK;
    at += size_at + 4;
    status = read_flat(input, at, size, &input->bytes, &input->message, err);
    return status ? status : decode_message(input, at + size, message, err);
}

static enum status open_stream(struct arrow_input *input, struct flat_table *schema,
                               struct error *err)
{
    struct arrow_message message;
    bool found;
    enum status status = arrow_input_next(input, &message, &found, err);
    if (!status && (!found || message.kind != ARROW_SCHEMA))
        status = arrow_input_damaged("it does not begin with its schema", err);
    if (!status)
        *schema = message.header;
    return status;
}

static enum status open_file(struct arrow_input *input, struct flat_table *schema,
                             struct error *err)
{
    uint8_t tail[FILE_TAIL_SIZE] = {0};
    uint64_t tail_at = input->size - sizeof tail;
    enum status status = arrow_input_read(input, tail_at, sizeof tail, tail, err);
    uint32_t size = load_le32(tail);
    if (!status && (memcmp(tail + 4, file_mark, sizeof file_mark) != 0 || size > tail_at))
        status = arrow_input_damaged("it does not end as such a file does", err);
    if (!status)
        status = read_flat(input, tail_at - size, size, &input->contents, &input->table, err);
    if (status)
        return status;
    struct flat_table root = flat_root(&input->table);
    *schema = flat_child(root, CONTENTS_SCHEMA);
    input->blocks[0] = flat_vector(root, CONTENTS_DICTIONARIES, BLOCK_SIZE);
    input->blocks[1] = flat_vector(root, CONTENTS_BATCHES, BLOCK_SIZE);
    if (input->table.damaged || !flat_is_present(*schema))
        return arrow_input_damaged("its table of contents is damaged", err);
    return check_version(flat_integer(root, CONTENTS_VERSION, 2, 0), err);
}

enum status arrow_input_open(struct arrow_input *input, int descriptor, struct flat_table *schema,
                             struct error *err)
{
    struct stat about;
    uint8_t head[sizeof file_mark] = {0};
    *input = (struct arrow_input){.descriptor = descriptor};
    buffer_init(&input->contents, 0);
    buffer_init(&input->bytes, 0);
    if (fstat(descriptor, &about))
        return fail(err, STATUS_FAILED, "%s", strerror(errno));
    input->size = (uint64_t)about.st_size;
    enum status status = arrow_input_read(input, 0, sizeof head, head, err);
    if (status)
        return status;
    input->is_file = memcmp(head, file_mark, sizeof file_mark) == 0;
    if (input->is_file && input->size < FILE_HEAD_SIZE + FILE_TAIL_SIZE)
        return arrow_input_damaged("it ends too early", err);
    return input->is_file ? open_file(input, schema, err) : open_stream(input, schema, err);
}

void arrow_input_close(struct arrow_input *input)
{
    buffer_release(&input->contents);
    buffer_release(&input->bytes);
}

/* A stream may lack its end. */
static enum status next_of_stream(struct arrow_input *input, struct arrow_message *message,
                                  bool *found, struct error *err)
{
    *found = false;
    if (input->at == input->size)
        return STATUS_OK;
    enum status status = read_message(input, input->at, message, found, err);
    if (!status && *found)
        input->at = message->body_at + message->body_size;
    return status;
}

static enum status next_of_file(struct arrow_input *input, struct arrow_message *message,
                                bool *found, struct error *err)
{
    size_t dictionaries = input->blocks[0].count;
    *found = input->block < dictionaries + input->blocks[1].count;
    if (!*found)
        return STATUS_OK;
    bool is_batch = input->block >= dictionaries;
    const uint8_t *block =
        flat_vector_element(input->blocks[is_batch], input->block - (is_batch ? dictionaries : 0));
    input->block++;
    enum status status = read_message(input, load_le64(block), message, found, err);
    if (!status && (!*found || message->kind != (is_batch ? ARROW_BATCH : ARROW_DICTIONARY)))
        status = arrow_input_damaged("a message is not what its table of contents says", err);
    return status;
}

enum status arrow_input_next(struct arrow_input *input, struct arrow_message *message, bool *found,
                             struct error *err)
{
    return input->is_file ? next_of_file(input, message, found, err)
                          : next_of_stream(input, message, found, err);
}
