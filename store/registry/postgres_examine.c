/* postgres_examine.c - what this user may not do to the registry. */
#include "store/registry/postgres_registry.h"

/* Whether there is a schema, and tables of ours in it; whether the user may make either; whether it
 * may read all tables, and whether it may write to them. */
static const char *const rights_sql =
    "SELECT n.oid IS NOT NULL, coalesce(t.ours, false),"
    " has_database_privilege(current_database(), 'CREATE'),"
    " coalesce(has_schema_privilege(n.oid, 'USAGE'), false),"
    " coalesce(has_schema_privilege(n.oid, 'CREATE'), false),"
    " coalesce(t.readable, false), coalesce(t.writable, false)"
    " FROM (SELECT $1::name AS name) AS wanted"
    " LEFT JOIN pg_namespace AS n ON n.nspname = wanted.name"
    " LEFT JOIN LATERAL (SELECT bool_or(c.relname = 'registry') AS ours,"
    "  bool_and(has_table_privilege(c.oid, 'SELECT')) AS readable,"
    "  bool_and(has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')"
    "   AND has_table_privilege(c.oid, 'DELETE')) AS writable"
    "  FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relkind = 'r') AS t ON true";

struct rights {
    bool has_schema, has_tables, may_make_schema, may_use, may_make_tables, may_read, may_write;
};

static struct rights rights_of(const PGresult *result)
{
    bool answers[7];
    for (int i = 0; i < 7; i++)
        answers[i] = *PQgetvalue(result, 0, i) == 't';
    return (struct rights){answers[0], answers[1], answers[2], answers[3],
                           answers[4], answers[5], answers[6]};
}

/* What may not even be read is told by whoever reads it. */
static void find(struct postgres_registry *r, struct rights rights, struct arena *arena,
                 struct findings *findings)
{
    struct error err;
    if (!rights.has_schema && !rights.may_make_schema) {
        fail_to_make_schema(r, &err);
        findings_add(findings, arena, FINDING_ERROR, err.message);
    } else if (rights.has_schema && !rights.has_tables &&
               !(rights.may_use && rights.may_make_tables)) {
        fail_without_right(r, "this user may not make the registry's tables", &err);
        findings_add(findings, arena, FINDING_ERROR, err.message);
    } else if (rights.has_tables && rights.may_use && rights.may_read && !rights.may_write) {
        fail_without_right(
            r, "this user may read the registry, but not apply or materialize with it", &err);
        findings_add(findings, arena, FINDING_HINT, err.message);
    }
}

enum status postgres_registry_examine(struct registry *registry, struct arena *arena,
                                      struct findings *findings, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    PGresult *result;
    const char *const values[] = {r->schema};
    enum status status = statement_query(r, "asking for rights to the registry", rights_sql, 1,
                                         values, &result, err);
    if (status)
        return status;
    find(r, rights_of(result), arena, findings);
    PQclear(result);
    return STATUS_OK;
}
