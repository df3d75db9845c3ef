/*
 * redis_connection.h - one connection to Redis: commands out, answers in, never beyond a deadline.
 *
 * A call on the store begins with redis_connection_begin, which connects where that is needed and
 * sets the deadline; then it adds commands and receives as many answers. However slowly bytes
 * trickle in, the deadline holds. When it passes, or when what comes is not Redis' protocol, the
 * connection is dropped, since later answers could be taken for others; the next attempt is made
 * 100 ms later, and until then begin fails at once. A connection that its other end closed while it
 * lay idle, from which a call did not take all answers, or that was dropped though Redis was well
 * (it answered, but too much or for too long), is replaced without a word. One thread.
 */
#ifndef LARDER_STORE_ONLINE_REDIS_CONNECTION_H
#define LARDER_STORE_ONLINE_REDIS_CONNECTION_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "store/online/redis_reply.h"
#include "store/online/redis_url.h"

#include <stdbool.h>
#include <stdint.h>

struct redis_connection;

/* Does not connect. The url's text must outlive it. */
struct redis_connection *redis_connection_open(const struct redis_url *url, uint32_t timeout_ms);
void redis_connection_close(struct redis_connection *connection);

/* UNAVAILABLE, or what Redis says to the password and the database. */
enum status redis_connection_begin(struct redis_connection *connection, struct error *err);
/* The deadline is one timeout from now: for calls of many steps, when one is done. */
void redis_connection_renew(struct redis_connection *connection);
/* The same for a call whose steps have an end together, which is REDIS_TIMEOUTS_MAX timeouts after
 * begin or renew: as long as Redis goes on answering, a long read goes on. */
void redis_connection_go_on(struct redis_connection *connection);
enum { REDIS_TIMEOUTS_MAX = 20 };
/* The answers of this call hold at most so many bytes of text; past it, EXHAUSTED. */
void redis_connection_allow(struct redis_connection *connection, size_t bytes);
/* Gives the connection up: the next begin makes another. */
void redis_connection_give_up(struct redis_connection *connection);
/* 0 before the first connection, then one more with each. */
uint64_t redis_connection_number(const struct redis_connection *connection);
/* What messages call it: "redis localhost:6379". */
const char *redis_connection_place(const struct redis_connection *connection);

/* A command of `count` parts, its name among them; then each of them. Nothing is sent before the
 * next receive. */
void redis_command(struct redis_connection *connection, size_t count);
void redis_command_bytes(struct redis_connection *connection, struct bytes part);
void redis_command_text(struct redis_connection *connection, const char *part);
void redis_command_number(struct redis_connection *connection, uint64_t part);
/* All of a command, its parts texts. */
void redis_command_of(struct redis_connection *connection, const char *const *parts, size_t count);

/* The next answer, in the arena; it may be an error answer. On a failure the connection is dropped
 * and with it all commands and answers that are under way. */
enum status redis_receive(struct redis_connection *connection, struct arena *arena,
                          struct redis_reply **reply, struct error *err);
/* OK if the answer is of this type; else what the error answer means, or CORRUPT. The connection
 * stays, so that what else is under way can be received. */
enum status redis_expect(const struct redis_connection *connection, const struct redis_reply *reply,
                         enum reply_type type, struct error *err);
/* Both in one, for a single answer. */
enum status redis_receive_type(struct redis_connection *connection, enum reply_type type,
                               struct arena *arena, struct redis_reply **reply, struct error *err);
/* For a subscriber, to whom Redis talks unasked: whatever comes next, answers included, in the
 * arena; NULL where nothing has come until then. It has no deadline: who hears nothing pings. On a
 * failure as redis_receive. */
enum status redis_hear(struct redis_connection *connection, int64_t until_us, struct arena *arena,
                       struct redis_reply **reply, struct error *err);
/* Says CORRUPT: an answer that Redis does not give. */
enum status redis_strange_answer(const struct redis_connection *connection, struct error *err);

#endif
