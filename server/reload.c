/* reload.c - see reload.h. */
#include "server/reload.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "server/wake.h"
#include "store/online/online_store.h"
#include "store/registry/registry.h"

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    POLL_MS = 500,     /* news that was not heard is found after this */
    ASKED_GAP_MS = 20, /* between two readings that requests asked for */
    STATES_MS = 1000,  /* between two looks at which views are to be rebuilt */
    REASON_SIZE = 2 * ERROR_MESSAGE_SIZE + 128,
};

struct reload {
    const struct settings *settings;
    struct snapshot_cell *cell;
    int published_fd; /* the caller's */
    int asked_fd;     /* readable while somebody waits for this thread: a request, or the stop */
    pthread_t thread;
    bool is_running;
    atomic_bool stops;
    _Atomic uint64_t asked, done, identity;

    /* The thread's own. */
    struct registry *registry; /* NULL while it is away */
    struct online_store *online;
    bool is_serving;                 /* something is published */
    struct registry_version version; /* of what is published; number 0: the project was removed */
    bool is_at_standby;              /* what was last read of the registry may be old */
    bool is_stored;                  /* the online store holds it, or a newer one */
    char reason[REASON_SIZE];        /* what was last said in the log */
    struct reload_facts facts;       /* what is next put on the board */
    int64_t states_read_us;          /* monotonic; 0: not since something was published */

    struct reload_notice_board board;
};

static void say(struct reload *reload, enum log_level level, const char *message,
                const char *reason)
{
    char text[REASON_SIZE];
    snprintf(text, sizeof text, "%s: %s", message, reason);
    if (strcmp(text, reload->reason) == 0)
        return;
    memcpy(reload->reason, text, sizeof text);
    char quoted[REASON_SIZE];
    log_line(level, message, "reason=%s", log_quote(reason, quoted, sizeof quoted));
}

static struct registry_version version_of(const struct catalog *catalog)
{
    return (struct registry_version){.project_id = catalog->project_id, .number = catalog->version};
}

static void publish(struct reload *reload, struct snapshot *snapshot)
{
    const struct catalog *catalog = &snapshot->catalog;
    snapshot_resolve(snapshot);
    reload->is_serving = true;
    reload->version = version_of(catalog);
    reload->reason[0] = '\0';
    reload->facts.rebuild_count = 0;
    reload->facts.is_from_online_store = false;
    reload->states_read_us = 0;
    atomic_store(&reload->identity, catalog->identity);
    snapshot_publish(reload->cell, snapshot);
    wake_signal(reload->published_fd);
}

static void publish_catalog(struct reload *reload, struct snapshot *snapshot, const char *from)
{
    const struct catalog *catalog = &snapshot->catalog;
    log_line(LOG_INFO, "definitions loaded",
             "project=%s version=%llu views=%zu services=%zu from=%s", catalog->definitions.project,
             (unsigned long long)catalog->version, catalog->definitions.view_count,
             catalog->definitions.service_count, from);
    publish(reload, snapshot);
    reload->facts.is_from_online_store = strcmp(from, "online_store") == 0;
}

/* The project was removed from the registry while it was served: every name is unknown from now on.
 */
static void publish_nothing(struct reload *reload)
{
    struct snapshot *snapshot = snapshot_new();
    snapshot->catalog.identity = atomic_load(&reload->identity);
    snapshot->catalog.project_id = reload->version.project_id;
    snapshot->catalog.definitions.project = reload->settings->project;
    log_line(LOG_WARNING, "the project was removed from the registry", "project=%s",
             reload->settings->project);
    reload->is_stored = true;
    publish(reload, snapshot);
}

/* Which version of what is published the online store holds; 0 if it holds none, or that of another
 * registry. */
static uint64_t kept_version(struct reload *reload)
{
    struct error err;
    uint64_t identity, version;
    bool is_ours = online_store_catalog_version(reload->online, reload->settings->project,
                                                &identity, &version, &err) == STATUS_OK &&
                   identity == atomic_load(&reload->identity);
    return is_ours ? version : 0;
}

/* Puts what the registry says into the online store, too, for the time when PostgreSQL is away, if
 * the apply could not. Tried again at every look until it is there. A standby may say it of a
 * project that was removed since, and from the online store before that. */
static void store_catalog(struct reload *reload)
{
    struct error err;
    struct arena arena;
    uint64_t owner, identity = atomic_load(&reload->identity);
    if (online_store_owner(reload->online, &owner, &err) || owner != identity)
        return;
    uint64_t kept = kept_version(reload);
    reload->is_stored = kept >= reload->version.number || (kept == 0 && reload->is_at_standby);
    if (reload->is_stored)
        return;
    arena_init(&arena, 0);
    /* This thread is the publisher: what is current cannot go away under it. */
    const struct snapshot *snapshot = atomic_load(&reload->cell->current);
    struct bytes text = catalog_encode(&snapshot->catalog, &arena);
    enum status status =
        online_store_put_catalog(reload->online, reload->settings->project, identity,
                                 reload->version.number, text, false, &err);
    reload->is_stored = !status;
    if (status && status != STATUS_UNAVAILABLE)
        say(reload, LOG_WARNING, "the online store does not take the definitions", err.message);
    arena_release(&arena);
    malloc_trim(0);
}

static bool is_current(const struct reload *reload, struct registry_version version,
                       uint64_t identity)
{
    return version.project_id == reload->version.project_id &&
           version.number == reload->version.number && identity == atomic_load(&reload->identity);
}

static enum status read_newest(struct reload *reload, struct error *err)
{
    struct snapshot *snapshot = snapshot_new();
    enum status status = registry_read(reload->registry, reload->settings->project,
                                       &snapshot->arena, &snapshot->catalog, err);
    if (status) {
        snapshot_free(snapshot);
        return status;
    }
    reload->is_stored = false;
    publish_catalog(reload, snapshot, "registry");
    return STATUS_OK;
}

/* Whether to serve what was not read from a registry that cannot be old. Another registry's
 * definitions take over only from the registry itself. Ids of projects only grow: a greater one is
 * that of the project made anew, and one that was removed does not come back. */
static bool is_news(const struct reload *reload, struct registry_version version, uint64_t identity)
{
    if (!reload->is_serving)
        return true;
    if (identity != atomic_load(&reload->identity))
        return false;
    if (version.project_id == reload->version.project_id && reload->version.number > 0)
        return version.number > reload->version.number;
    return version.project_id > reload->version.project_id;
}

/* The definitions in the online store, if they are newer than what is served and belong to it. */
static enum status read_online(struct reload *reload, struct error *err)
{
    uint64_t owner;
    struct bytes text;
    const char *project = reload->settings->project;
    struct snapshot *snapshot = snapshot_new();
    struct catalog *catalog = &snapshot->catalog;
    enum status status =
        online_store_get_catalog(reload->online, project, &snapshot->arena, &text, err);
    if (!status && !text.data)
        status = fail(err, STATUS_NOT_FOUND, "the online store holds no definitions of project %s",
                      project);
    if (!status)
        status = catalog_decode(text, &snapshot->arena, catalog, err);
    if (!status)
        status = online_store_owner(reload->online, &owner, err);
    if (!status && owner != catalog->identity)
        status = fail(err, STATUS_CONFLICT,
                      "the definitions in the online store are those of "
                      "another registry than its rows");
    if (status || !is_news(reload, version_of(catalog), catalog->identity)) {
        snapshot_free(snapshot);
        return status;
    }
    reload->is_stored = true;
    publish_catalog(reload, snapshot, "online_store");
    return STATUS_OK;
}

/* What the registry itself says. */
static enum status take_over(struct reload *reload, struct registry_version version,
                             uint64_t identity, struct error *err)
{
    if (version.number == 0 && reload->is_serving) {
        if (reload->version.number > 0)
            publish_nothing(reload);
        return STATUS_OK;
    }
    if (version.number == 0)
        return fail(err, STATUS_NOT_FOUND, "nothing is applied: run larder apply");
    return is_current(reload, version, identity) ? STATUS_OK : read_newest(reload, err);
}

/* Newer than what is served. Another registry's definitions are not while the online store still
 * has those of ours: it is the standby's that are of before. Of a project that was taken for
 * removed all are: the standby had only not heard of it, for what it has removed does not come
 * back. */
static bool is_newer_at_standby(const struct reload *reload, struct registry_version version,
                                uint64_t identity, uint64_t kept_identity)
{
    uint64_t served_identity = atomic_load(&reload->identity);
    if (version.number == 0)
        return false;
    if (reload->version.number == 0) /* or nothing is served yet */
        return true;
    return identity == served_identity ? is_news(reload, version, identity)
                                       : kept_identity != served_identity;
}

/* What a standby says may be old. So where the online store has definitions, those are served
 * unless the standby knows newer ones; and only where it answers that it has none is a project that
 * the standby does not have believed to be removed. */
static enum status follow_standby(struct reload *reload, struct registry_version version,
                                  uint64_t identity, struct error *err)
{
    uint64_t kept_identity = 0, kept_number = 0;
    enum status status = online_store_catalog_version(reload->online, reload->settings->project,
                                                      &kept_identity, &kept_number, err);
    if (status && reload->is_serving)
        return STATUS_OK;
    if (version.number == 0 && kept_identity == 0)
        return take_over(reload, version, identity, err);
    status = is_newer_at_standby(reload, version, identity, kept_identity)
                 ? read_newest(reload, err)
                 : STATUS_OK;
    bool is_kept_served = reload->is_serving && kept_number == reload->version.number &&
                          kept_identity == atomic_load(&reload->identity);
    if (status || kept_identity == 0 || is_kept_served)
        return status;
    status = read_online(reload, err);
    if (!status || !reload->is_serving)
        return status;
    say(reload, LOG_WARNING, "the definitions in the online store are not taken", err->message);
    return STATUS_OK;
}

static enum status read_registry(struct reload *reload, struct error *err)
{
    uint64_t identity;
    struct registry_version version;
    int64_t began_us = timestamp_monotonic_us();
    enum status status = STATUS_OK;
    if (!reload->registry)
        status =
            registry_open_for_server(reload->settings, reload->asked_fd, &reload->registry, err);
    if (!status)
        status = registry_version(reload->registry, reload->settings->project, &version, err);
    if (!status)
        status = registry_identity(reload->registry, &identity, err);
    if (status)
        return status;
    reload->is_at_standby = version.may_lag;
    status = version.may_lag ? follow_standby(reload, version, identity, err)
                             : take_over(reload, version, identity, err);
    if (is_current(reload, version, identity))
        reload->facts.is_from_online_store = false;
    if (!status && !version.may_lag)
        snapshot_confirm(reload->cell, began_us);
    return status;
}

static void close_registry(struct reload *reload)
{
    registry_close(reload->registry);
    reload->registry = NULL;
}

/* The registry cannot be read. What the online store holds is then looked at until there is
 * something to serve, and after that when a request asks. */
static void do_without(struct reload *reload, const struct error *away)
{
    struct error err = {0};
    close_registry(reload);
    uint64_t ticket = atomic_load(&reload->asked);
    /* Others may reach the registry: rows that a rebuild has replaced are gone soon after. */
    if (ticket > atomic_load(&reload->done) || !reload->is_serving ||
        kept_version(reload) > reload->version.number)
        read_online(reload, &err);
    atomic_store(&reload->done, ticket);
    if (reload->is_serving) {
        say(reload, LOG_WARNING, "the registry cannot be read: the definitions stay as they are",
            away->message);
        return;
    }
    /* That the online store has none, either, is as it is to be before a first apply. */
    char reason[REASON_SIZE];
    bool is_more = err.status && err.status != STATUS_NOT_FOUND;
    snprintf(reason, sizeof reason, "%s%s%s", away->message, is_more ? "; " : "",
             is_more ? err.message : "");
    say(reload, LOG_WARNING, "waiting for definitions", reason);
}

/* Which views are to be rebuilt: read for those who watch the server alone. A registry that goes
 * away meanwhile is found away by the next look; a user who may not read this just does not know.
 */
static void look_at_states(struct reload *reload)
{
    struct error err;
    struct arena arena;
    struct view_state *states;
    int64_t now_us = timestamp_monotonic_us();
    const struct snapshot *snapshot = atomic_load(&reload->cell->current);
    if (!reload->settings->server.http || !reload->is_serving ||
        (reload->states_read_us && now_us < reload->states_read_us + STATES_MS * INT64_C(1000)))
        return;
    reload->states_read_us = now_us;
    arena_init(&arena, 0);
    enum status status =
        registry_view_states(reload->registry, &snapshot->catalog, &arena, &states, &err);
    if (!status)
        reload_facts_count_rebuilds(&reload->facts, &snapshot->catalog, states);
    else if (status == STATUS_UNAVAILABLE || status == STATUS_CANCELLED)
        close_registry(reload);
    arena_release(&arena);
}

static void put_on_board(struct reload *reload, enum status status)
{
    struct reload_facts *facts = &reload->facts;
    facts->is_loaded = reload->is_serving;
    facts->is_removed = reload->is_serving && reload->version.number == 0;
    facts->is_unknown = status == STATUS_NOT_FOUND;
    facts->is_registry_away = status && status != STATUS_NOT_FOUND;
    facts->version = reload->version.number;
    reload_facts_tell(&reload->board, facts);
}

static void look(struct reload *reload)
{
    struct error err;
    uint64_t ticket = atomic_load(&reload->asked);
    bool was_away = !reload->registry && reload->is_serving && reload->reason[0];
    const struct snapshot *before = atomic_load(&reload->cell->current);
    enum status status = read_registry(reload, &err);
    if (status && atomic_load(&reload->stops))
        return; /* it was given up for that */
    if (status == STATUS_NOT_FOUND) {
        say(reload, LOG_WARNING, "waiting for definitions", err.message);
    } else if (status) {
        do_without(reload, &err);
    } else if (was_away) {
        reload->reason[0] = '\0';
        log_line(LOG_INFO, "the registry is back", "version=%llu",
                 (unsigned long long)reload->version.number);
    }
    if (!status)
        look_at_states(reload);
    put_on_board(reload, status);
    snapshot_collect(reload->cell);
    if (atomic_load(&reload->cell->current) != before)
        malloc_trim(0); /* reading definitions takes several times the memory that they keep */
    else if (reload->is_serving && !status && !reload->is_stored)
        store_catalog(reload); /* a look later, when whoever applies has done so */
    if (atomic_load(&reload->done) < ticket)
        atomic_store(&reload->done, ticket);
}

static void wait_on_fd(struct reload *reload)
{
    struct pollfd asked = {.fd = reload->asked_fd, .events = POLLIN};
    poll(&asked, 1, POLL_MS);
}

static void wait_for_news(struct reload *reload)
{
    struct error err;
    bool changed;
    if (reload->registry &&
        registry_wait(reload->registry, POLL_MS, reload->asked_fd, &changed, &err))
        close_registry(reload);
    if (!reload->registry)
        wait_on_fd(reload);
}

/* The descriptor stays readable while a reading that was asked for goes on, so that the registry
 * takes no longer over it than requests can wait. */
static void clear_asked(struct reload *reload)
{
    wake_clear(reload->asked_fd);
    if (atomic_load(&reload->asked) > atomic_load(&reload->done))
        wake_signal(reload->asked_fd); /* meanwhile, for the next reading */
}

static void *run(void *arg)
{
    struct reload *reload = arg;
    int64_t asked_us = 0;
    for (;;) {
        look(reload);
        clear_asked(reload);
        if (atomic_load(&reload->stops))
            return NULL;
        wait_for_news(reload);
        if (atomic_load(&reload->asked) == atomic_load(&reload->done))
            continue;
        int64_t since_us = timestamp_monotonic_us() - asked_us;
        if (since_us < ASKED_GAP_MS * 1000)
            usleep((useconds_t)(ASKED_GAP_MS * 1000 - since_us));
        asked_us = timestamp_monotonic_us();
    }
}

enum status reload_start(const struct settings *settings, struct snapshot_cell *cell, int wake_fd,
                         struct reload **out, struct error *err)
{
    struct reload *reload = calloc(1, sizeof *reload);
    if (!reload)
        out_of_memory();
    *reload = (struct reload){.settings = settings, .cell = cell, .published_fd = wake_fd};
    pthread_mutex_init(&reload->board.lock, NULL);
    enum status status = wake_open(&reload->asked_fd, err);
    if (!status)
        status = online_store_open(settings, &reload->online, err);
    if (!status && pthread_create(&reload->thread, NULL, run, reload) != 0)
        status = fail(err, STATUS_FAILED, "cannot start a thread");
    reload->is_running = !status;
    if (status) {
        reload_stop(reload);
        return status;
    }
    *out = reload;
    return STATUS_OK;
}

void reload_stop(struct reload *reload)
{
    if (!reload)
        return;
    if (reload->is_running) {
        atomic_store(&reload->stops, true);
        wake_signal(reload->asked_fd);
        pthread_join(reload->thread, NULL);
    }
    registry_close(reload->registry);
    online_store_close(reload->online);
    wake_close(reload->asked_fd);
    pthread_mutex_destroy(&reload->board.lock);
    free(reload);
}

uint64_t reload_ask(struct reload *reload)
{
    uint64_t ticket = atomic_fetch_add(&reload->asked, 1) + 1;
    wake_signal(reload->asked_fd);
    return ticket;
}

bool reload_is_done(const struct reload *reload, uint64_t ticket)
{
    return atomic_load(&reload->done) >= ticket;
}

uint64_t reload_identity(const struct reload *reload)
{
    return atomic_load(&reload->identity);
}

void reload_tell(struct reload *reload, struct reload_facts *facts)
{
    reload_facts_read(&reload->board, facts);
}
