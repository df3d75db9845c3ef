/*
 * redis_reply.h - Redis' answers, parsed straight into the caller's arena.
 *
 * The parser is hiredis' reader with functions of ours, so that an answer costs no malloc: each
 * text is copied once, from the read buffer into the arena. What arrives is not trusted: an
 * answer's elements and the length of one text are bounded, and so are all texts together where the
 * caller says how much may come. One thread.
 */
#ifndef LARDER_STORE_ONLINE_REDIS_REPLY_H
#define LARDER_STORE_ONLINE_REDIS_REPLY_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum reply_type { REPLY_NIL, REPLY_INTEGER, REPLY_TEXT, REPLY_STATUS, REPLY_ERROR, REPLY_LIST };

struct redis_reply {
    enum reply_type type;
    int64_t integer;              /* REPLY_INTEGER */
    struct bytes text;            /* TEXT, STATUS and ERROR; otherwise absent */
    struct redis_reply *elements; /* [count] of a LIST */
    size_t count;
};

struct redis_parser;

struct redis_parser *redis_parser_open(void);
void redis_parser_close(struct redis_parser *parser);
/* Takes bytes as they arrive. */
void redis_parser_feed(struct redis_parser *parser, const void *data, size_t size);
/* Whether bytes were fed that no answer was made of yet. */
bool redis_parser_has_unread(const struct redis_parser *parser);
/* From now on, texts may hold so many bytes together. Any number, until it is called. */
void redis_parser_allow(struct redis_parser *parser, size_t bytes);
/* The next answer, or NULL where it is not yet whole. All calls that build one answer must pass the
 * same arena. CORRUPT: what came is no answer; EXHAUSTED: it holds more than was allowed.
 * Either way the parser is of no more use. */
enum status redis_parser_next(struct redis_parser *parser, struct arena *arena,
                              struct redis_reply **reply, struct error *err);

#endif
