/* join.c - see join.h. */
#include "training/join.h"

#include <stdlib.h>

struct training_join {
    struct offline_join *probes;
};

enum status training_join_open(struct offline_store *store, const struct join_request *request,
                               struct training_join **opened, struct error *err)
{
    struct training_join *join = calloc(1, sizeof *join);
    if (!join)
        out_of_memory();
    enum status status = offline_join_open(store, request, &join->probes, err);
    if (status) {
        training_join_close(join);
        return status;
    }
    *opened = join;
    return STATUS_OK;
}

enum status training_join_ask(struct training_join *join, const struct value *keys, int64_t at_us,
                              struct error *err)
{
    return offline_join_ask(join->probes, keys, at_us, err);
}

enum status training_join_run(struct training_join *join, struct error *err)
{
    return offline_join_run(join->probes, err);
}

enum status training_join_next(struct training_join *join, const struct joined_row **row,
                               struct error *err)
{
    return offline_join_next(join->probes, row, err);
}

const struct join_counts *training_join_counts(const struct training_join *join)
{
    return offline_join_counts(join->probes);
}

void training_join_close(struct training_join *join)
{
    if (!join)
        return;
    offline_join_close(join->probes);
    free(join);
}
