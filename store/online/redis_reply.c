/* redis_reply.c - see redis_reply.h. */
#include "store/online/redis_reply.h"

#include "base/row.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

enum {
    ELEMENTS_MAX = 1000 * 1000,    /* of one answer, all depths together */
    UNREAD_MAX = ROW_SIZE_MAX * 4, /* of one text: rows are smaller, catalogs are far smaller */
    KEEP_BUFFER = 1024 * 1024,     /* hiredis frees an empty buffer that is larger than this */
};

/* From version 1 on, hiredis also knows the types of the newer protocol (RESP3), behind the others.
 */
#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

struct redis_parser {
    redisReader *reader;
    struct arena *arena; /* of the answer being built */
    size_t element_count;
    size_t allowed_bytes; /* of texts to come */
    bool has_too_many, has_too_much, is_strange;
};

/* Where the object of a task goes: into its list, or, at the top, somewhere new. */
static struct redis_reply *place_of(const redisReadTask *task)
{
    if (task->parent)
        return &((struct redis_reply *)task->parent->obj)->elements[task->idx];
    struct redis_parser *parser = task->privdata;
    return arena_alloc(parser->arena, sizeof(struct redis_reply));
}

/* hiredis takes NULL for a lack of memory: the reader is then broken. */
static void *refuse_type(const redisReadTask *task)
{
    struct redis_parser *parser = task->privdata;
    parser->is_strange = true;
    return NULL;
}

static void *create_text(const redisReadTask *task, char *text, size_t size)
{
    struct redis_parser *parser = task->privdata;
    if (task->type > REDIS_REPLY_ERROR)
        return refuse_type(task);
    if (size > parser->allowed_bytes) {
        parser->has_too_much = true;
        return NULL; /* as above */
    }
    parser->allowed_bytes -= size;
    struct redis_reply *reply = place_of(task);
    enum reply_type type = task->type == REDIS_REPLY_ERROR    ? REPLY_ERROR
                           : task->type == REDIS_REPLY_STATUS ? REPLY_STATUS
                                                              : REPLY_TEXT;
    *reply = (struct redis_reply){.type = type,
                                  .text = arena_bytes(parser->arena, (struct bytes){text, size})};
    return reply;
}

static void *create_list(const redisReadTask *task, element_count count)
{
    struct redis_parser *parser = task->privdata;
    if (task->type > REDIS_REPLY_ERROR)
        return refuse_type(task);
    if ((size_t)count > ELEMENTS_MAX - parser->element_count) { /* or less than nothing */
        parser->has_too_many = true;
        return NULL; /* as above */
    }
    parser->element_count += (size_t)count;
    struct redis_reply *reply = place_of(task);
    *reply = (struct redis_reply){
        .type = REPLY_LIST,
        .elements = arena_array(parser->arena, (size_t)count, sizeof *reply->elements),
        .count = (size_t)count};
    return reply;
}

static void *create_integer(const redisReadTask *task, long long integer)
{
    struct redis_reply *reply = place_of(task);
    *reply = (struct redis_reply){.type = REPLY_INTEGER, .integer = integer};
    return reply;
}

static void *create_nil(const redisReadTask *task)
{
    struct redis_reply *reply = place_of(task);
    *reply = (struct redis_reply){.type = REPLY_NIL};
    return reply;
}

/* Without functions for them, hiredis would give their numbers for pointers. */
#if HIREDIS_MAJOR >= 1
static void *refuse_double(const redisReadTask *task, double number, char *text, size_t size)
{
    (void)number, (void)text, (void)size;
    return refuse_type(task);
}

static void *refuse_bool(const redisReadTask *task, int boolean)
{
    (void)boolean;
    return refuse_type(task);
}
#endif

struct redis_parser *redis_parser_open(void)
{
    static const redisReplyObjectFunctions functions = {
        .createString = create_text,
        .createArray = create_list,
        .createInteger = create_integer,
#if HIREDIS_MAJOR >= 1
        .createDouble = refuse_double,
        .createBool = refuse_bool,
#endif
        .createNil = create_nil
    };
    struct redis_parser *parser = calloc(1, sizeof *parser);
    /* hiredis only reads them, but its prototype does not say so. */
    redisReader *reader = redisReaderCreateWithFunctions((redisReplyObjectFunctions *)&functions);
    if (!parser || !reader)
        out_of_memory();
    parser->reader = reader;
    parser->allowed_bytes = SIZE_MAX;
    reader->maxbuf = KEEP_BUFFER;
    reader->privdata = parser;
    return parser;
}

void redis_parser_close(struct redis_parser *parser)
{
    if (!parser)
        return;
    redisReaderFree(parser->reader);
    free(parser);
}

void redis_parser_allow(struct redis_parser *parser, size_t bytes)
{
    parser->allowed_bytes = bytes;
}

void redis_parser_feed(struct redis_parser *parser, const void *data, size_t size)
{
    /* Its errors are kept, and found by the next call of redis_parser_next. */
    redisReaderFeed(parser->reader, data, size);
}

bool redis_parser_has_unread(const struct redis_parser *parser)
{
    return parser->reader->len > parser->reader->pos;
}

static enum status broken(struct redis_parser *parser, struct error *err)
{
    if (parser->has_too_many)
        return fail(err, STATUS_CORRUPT, "an answer of over %d elements", ELEMENTS_MAX);
    if (parser->has_too_much)
        return fail(err, STATUS_EXHAUSTED, "it answers with more bytes than may be taken at once");
    if (parser->reader->err == REDIS_ERR_OOM && !parser->is_strange)
        out_of_memory();
    return fail(err, STATUS_CORRUPT, "what it answers is not Redis' protocol");
}

enum status redis_parser_next(struct redis_parser *parser, struct arena *arena,
                              struct redis_reply **reply, struct error *err)
{
    void *object = NULL;
    redisReader *reader = parser->reader;
    parser->arena = arena;
    if (redisReaderGetReply(reader, &object) != REDIS_OK)
        return broken(parser, err);
    if (!object && reader->len - reader->pos > UNREAD_MAX)
        return fail(err, STATUS_CORRUPT, "an answer of over %d bytes", UNREAD_MAX);
    if (object)
        parser->element_count = 0;
    *reply = object;
    return STATUS_OK;
}
