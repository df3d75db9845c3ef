/*
 * wire_list.h - a stored list as the content of a message with the one field `repeated ... = 1`.
 *
 * Both APIs write lists so; they differ in times alone. Numbers are packed. A list is as
 * base/value.h has it: packed, whole, without nulls.
 */
#ifndef LARDER_SERVER_ANSWER_WIRE_LIST_H
#define LARDER_SERVER_ANSWER_WIRE_LIST_H

#include "base/value.h"
#include "server/answer/wire.h"

/* Fixed-width microseconds, or varint seconds rounded down. */
enum wire_times { WIRE_TIMES_US, WIRE_TIMES_SECONDS };

/* Writes nothing for an empty list. */
void wire_put_list(struct wire_writer *writer, value_type list_type, struct bytes list,
                   enum wire_times times);

/* Seconds since 1970, rounded down also before it. */
int64_t wire_seconds(int64_t us);

#endif
