/*
 * training_columns.h - the columns of a training set: those of the asking rows, then each feature,
 * with __status and __event_time behind it where they are asked for; and what is noted of each.
 *
 * Made by training_set.c when the header of the asks is read, before the join, which may take
 * hours: names that collide are found at once. Everything is in the caller's arena.
 */
#ifndef LARDER_TRAINING_TRAINING_COLUMNS_H
#define LARDER_TRAINING_TRAINING_COLUMNS_H

#include "base/arena.h"
#include "training/formats/asks.h"
#include "training/formats/table_writer.h"
#include "training/training_set.h"

struct training_columns {
    struct table_schema schema;
    struct table_column *columns; /* those of the schema */
};

/* INVALID: a column of the asks is called like one of the answer. */
enum status training_columns_make(const struct training_request *request, const struct asks *asks,
                                  struct arena *arena, struct training_columns *columns,
                                  struct error *err);
/* Once the asks have been read to their end, and before the schema is used. */
void training_columns_set_types(struct training_columns *columns, const struct asks *asks);

#endif
