/*
 * shop.h - definitions for tests that need some: a shop with customers and items, as YAML that a
 * test says only the interesting part of. A mistake in the YAML fails the test with the problem's
 * text.
 */
#ifndef LARDER_TESTS_SUPPORT_SHOP_H
#define LARDER_TESTS_SUPPORT_SHOP_H

#include "base/arena.h"
#include "config/definitions.h"

/* Any YAML. */
const struct definitions *definitions_of(struct arena *arena, const char *yaml);

/*
 * The project `shop`: entities customer (int64) and item (string), a source orders, and the views
 *     spending    of customer, with ttl 7d and the features given, such as "total: float64"
 *     popularity  of item, with the feature sales: int64
 * and a service offers with all of spending.
 */
const struct definitions *shop(struct arena *arena);
const struct definitions *shop_with(struct arena *arena, const char *spending_features);
/* The orders from this table. */
const struct definitions *shop_from(struct arena *arena, const char *table);
/* Without popularity. */
const struct definitions *small_shop(struct arena *arena);
/* The same under another project's name. */
const struct definitions *shop_named(struct arena *arena, const char *project);

#endif
