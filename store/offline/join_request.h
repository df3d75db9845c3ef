/*
 * join_request.h - what holds of a point-in-time join whatever store it is asked of.
 *
 * For the backends of the offline store, so that each refuses the same requests in the same words.
 */
#ifndef LARDER_STORE_OFFLINE_JOIN_REQUEST_H
#define LARDER_STORE_OFFLINE_JOIN_REQUEST_H

#include "store/offline/offline_store.h"

/* now_us: the store's clock. INVALID: as_known or as_of with a source that has no created time;
 * as_of later than now less a lookback. */
enum status join_request_check(const struct join_request *request, int64_t now_us,
                               struct error *err);
/* Whether an earlier item of the selection is of the same view: its rows are left out once. */
bool join_used_before(const struct selection *selection, size_t index);
/* The selected features of one of its views, in the selection's order. In the arena. */
const uint16_t *join_features_of(const struct selection *selection, size_t view,
                                 struct arena *arena, size_t *count);

#endif
