/* readiness.c - see readiness.h. */
#include "server/http/readiness.h"

static void tell_definitions(const struct reload_facts *facts, struct buffer *text)
{
    if (facts->is_removed)
        buffer_append_text(text, "definitions: the project was removed from the registry\n");
    else if (facts->is_loaded)
        return;
    else if (facts->is_unknown)
        buffer_append_text(text, "definitions: nothing is applied yet: run larder apply\n");
    else if (facts->is_registry_away)
        buffer_append_text(text, "definitions: neither the registry nor the online store gives "
                                 "any; the log says why\n");
    else
        buffer_append_text(text, "definitions: not loaded yet\n");
}

static void tell_store(enum store_state store, struct buffer *text)
{
    if (store == STORE_AWAY)
        buffer_append_text(text, "online store: it is away; the log says why\n");
    else if (store == STORE_FOREIGN)
        buffer_append_text(text, "online store: it belongs to another registry: run larder apply "
                                 "--take-over, or name another one\n");
}

static void tell_rebuilds(const struct reload_facts *facts, const char *mark, struct buffer *text)
{
    for (size_t i = 0; i < facts->rebuild_count && i < RELOAD_REBUILDS_NAMED; i++)
        buffer_printf(text,
                      "%sfeature view %s: to be rebuilt by larder materialize; until then the rows "
                      "of before are served\n",
                      mark, facts->rebuilds[i]);
    if (facts->rebuild_count > RELOAD_REBUILDS_NAMED)
        buffer_printf(text, "%sand %zu more feature views to be rebuilt\n", mark,
                      facts->rebuild_count - RELOAD_REBUILDS_NAMED);
}

static void tell_phase(enum server_phase phase, struct buffer *text)
{
    if (phase == SERVER_STOPPING)
        buffer_append_text(text, "server: it is stopping\n");
    else if (phase == SERVER_STARTING && text->size == 0)
        buffer_append_text(text, "server: it is starting\n");
}

static void tell_notes(const struct reload_facts *facts, bool ignores_rebuilds, struct buffer *text)
{
    if (facts->is_loaded && facts->is_registry_away)
        buffer_printf(text,
                      "note: the registry cannot be read: version %llu of the definitions stays, "
                      "%s\n",
                      (unsigned long long)facts->version,
                      facts->is_from_online_store ? "as the online store has it"
                                                  : "as it was read before");
    if (ignores_rebuilds)
        tell_rebuilds(facts, "note: ", text);
}

bool readiness_write(enum server_phase phase, const struct reload_facts *facts,
                     enum store_state store, bool ignores_rebuilds, struct buffer *text)
{
    tell_definitions(facts, text);
    tell_store(store, text);
    if (!ignores_rebuilds)
        tell_rebuilds(facts, "", text);
    tell_phase(phase, text);
    bool is_ready = text->size == 0;
    if (is_ready)
        buffer_append_text(text, "ready\n");
    tell_notes(facts, ignores_rebuilds, text);
    return is_ready;
}
