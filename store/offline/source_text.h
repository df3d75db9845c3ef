/*
 * source_text.h - how messages name a source, its columns and what is wrong with them.
 *
 * For the backends of the offline store, so that each says the same in the same words. Who:
 * "feature view airport_weather", "source weather"; what: "feature wind", "join key origin",
 * "event_time".
 */
#ifndef LARDER_STORE_OFFLINE_SOURCE_TEXT_H
#define LARDER_STORE_OFFLINE_SOURCE_TEXT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/value.h"
#include "config/definitions.h"

/* "public.weather", or "the query of source weather". */
const char *source_text(const struct source *source, struct arena *arena);
/* "public.weather.wind", or "column wind of the query of source weather". */
const char *source_column_text(const struct source *source, const char *column,
                               struct arena *arena);

/* The columns that a source has, as a backend holds them. */
struct source_columns {
    const void *columns;
    size_t count, stride; /* of structs of so many bytes */
    size_t name_offset;   /* where in each its name is */
    int (*compare)(const char *left, const char *right);
};
/* The one of that name. NOT_FOUND: there is none; the message names the nearest, if one is near.
 * INVALID: there are several. */
enum status source_find_column(const struct source *source, const char *who, const char *what,
                               const char *column, const struct source_columns *columns,
                               size_t *index, struct error *err);
/* INVALID. declared: as the database has it; advice: what to do. */
enum status source_column_unfit(const struct source *source, const char *who, const char *what,
                                value_type type, const char *column, const char *declared,
                                const char *advice, struct error *err);
/* INVALID: the run stops at a misfit ("a text", "an infinite time"): where it is, and what to do.
 * row: "origin=JFK, event_time=...". */
enum status source_misfit(const struct feature_view *view, const char *what, value_type type,
                          const char *column, const char *misfit, const char *row,
                          struct error *err);

#endif
