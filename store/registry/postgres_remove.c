/* postgres_remove.c - takes a project out of the registry, and the registry away with the last. */
#include "store/registry/postgres_registry.h"

static enum status remove_project(struct postgres_registry *r, const char *project,
                                  struct error *err)
{
    const char *const values[] = {project};
    enum status status = statement_query(
        r, "removing the project", "DELETE FROM @.project WHERE name = $1", 1, values, NULL, err);
    if (!status)
        status = notify_version(r, project, 0, err);
    if (status)
        return status;
    PGresult *result;
    status = statement_query(r, "counting projects", "SELECT count(*) FROM @.project", 0, NULL,
                             &result, err);
    if (status)
        return status;
    bool was_last = cell_int64(result, 0, 0) == 0;
    PQclear(result);
    return was_last ? schema_drop(r, err) : STATUS_OK;
}

/* *gone: there is no registry; another command may have removed it while this one waited for the
 * lock. */
static enum status remove_in_transaction(struct postgres_registry *r, const char *project,
                                         bool *gone, struct error *err)
{
    uint64_t identity;
    enum status status = schema_read(r, &identity, err);
    *gone = status == STATUS_NOT_FOUND || (!status && identity == 0);
    if (status || *gone)
        return status;
    status = remove_project(r, project, err);
    if (status != STATUS_NOT_FOUND)
        return status;
    return fail(err, STATUS_FAILED,
                "the registry in the schema %s lacks a table, so the project cannot be taken out "
                "of it: drop what is left of the schema",
                r->quoted_schema);
}

enum status postgres_remove(struct registry *registry, const char *project, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    r->format_known = false; /* it may have gone, or changed hands */
    enum status status = schema_check(r, err);
    if (status)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status = transaction_begin(r, err);
    if (status)
        return status;
    bool gone;
    status = remove_in_transaction(r, project, &gone, err);
    r->format_known = false;
    if (!status && !gone)
        return transaction_commit(r, err);
    transaction_rollback(r);
    return gone ? STATUS_OK : status;
}
