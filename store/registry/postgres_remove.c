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
    status = remove_project(r, project, err);
    r->format_known = false;
    if (!status)
        return transaction_commit(r, err);
    transaction_rollback(r);
    /* Another command removed it while this one waited for the lock. */
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
