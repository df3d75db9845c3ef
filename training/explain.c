/* explain.c - see explain.h. */
#include "training/explain.h"

#include "base/entity_key.h"
#include "training/formats/asks.h"

static enum status read_asks(struct asks *asks, struct training_join *join,
                             const struct training_request *request, struct error *err)
{
    for (;;) {
        const struct ask *ask;
        enum status status = asks_next(asks, &ask, err);
        if (!status && request->stop && atomic_load(request->stop))
            status = fail(err, STATUS_CANCELLED, "stopped");
        if (!status && ask)
            status = training_join_ask(join, ask->keys, ask->at_us, err);
        if (status || !ask)
            return status;
    }
}

enum status training_set_explain(struct offline_store *store,
                                 const struct training_request *request, struct arena *arena,
                                 struct join_explanation *explanation, bool *refused,
                                 struct error *err)
{
    const struct selection *selection = request->selection;
    const struct join_request join_request = {
        .selection = selection,
        .key_ids = arena_array(arena, selection->view_count, sizeof(struct entity_key_ids)),
        .as_known = request->as_known,
        .as_of_us = request->as_of_us,
        .with_status = request->with_status,
    };
    const struct join_options options = {.strategy = request->strategy,
                                         .memory_bytes = request->memory_bytes,
                                         .stop = request->stop};
    struct training_join *join = NULL;
    struct asks *asks = NULL;
    enum status status =
        request->asks_path
            ? asks_open(request->asks_path, selection, true, request->stop, &asks, err)
            : asks_open_query(store, request->asks_query, "--entities-query", selection, true,
                              &asks, err);
    *refused = status == STATUS_INVALID && !request->asks_path;
    if (!status) {
        status = training_join_open(store, &join_request, &options, &join, err);
        *refused = status == STATUS_INVALID;
    }
    if (!status)
        status = read_asks(asks, join, request, err);
    if (!status)
        status = training_join_explain(join, arena, explanation, err);
    training_join_close(join);
    asks_close(asks);
    return status;
}
