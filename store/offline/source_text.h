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

/* NOT_FOUND: names the nearest of the columns that are there, if one is near. columns: count
 * structs of `stride` bytes that begin with their name. */
enum status source_lacks_column(const struct source *source, const char *who, const char *what,
                                const char *column, const void *columns, size_t count,
                                size_t stride, struct error *err);
/* INVALID. */
enum status source_repeats_column(const struct source *source, const char *who, const char *what,
                                  const char *column, size_t times, struct error *err);
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
