/* checkup_offline.c - the history: its store, the sources in it, the transactions under way. */
#include "base/timestamp.h"
#include "cli/checkup.h"
#include "cli/deadline.h"

/* A table that somebody holds locked may be waited for without end, and others come after it. */
enum { PATIENCE_MS = 5000 };

static void see_offline_store(struct checkup *checkup)
{
    const struct examination *says = &checkup->offline_says;
    diagnosis_see(checkup->diagnosis, "%s, %s%s%s", says->version,
                  store_place(&checkup->repository.settings.offline_store, checkup->arena),
                  says->used_bytes ? ", " : "",
                  says->used_bytes ? size_text(says->used_bytes, checkup->arena) : "");
    diagnosis_take(checkup->diagnosis, &says->findings);
    if (says->is_new)
        diagnosis_find(checkup->diagnosis, FINDING_HINT,
                       "there is no such file yet: larder load makes it, or larder apply");
}

void checkup_offline_store(struct checkup *checkup)
{
    struct error err;
    diagnosis_begin(checkup->diagnosis, "offline_store");
    if (!checkup->has_settings) {
        diagnosis_cannot_see(checkup->diagnosis, "the settings come first");
        return;
    }
    const struct settings *settings = &checkup->repository.settings;
    diagnosis_see(checkup->diagnosis, "%s", store_place(&settings->offline_store, checkup->arena));
    enum status status = offline_store_open(settings, &checkup->offline, &err);
    if (!status)
        status =
            offline_store_examine(checkup->offline, checkup->arena, &checkup->offline_says, &err);
    if (!status) {
        see_offline_store(checkup);
        return;
    }
    diagnosis_find(checkup->diagnosis, FINDING_ERROR, "%s", err.message);
    offline_store_close(checkup->offline);
    checkup->offline = NULL;
}

/* One source by itself, so that none hides another. */
static enum status check_source(struct checkup *checkup, size_t index, struct findings *findings,
                                struct error *err)
{
    struct definitions alone = checkup->repository.definitions;
    struct deadline deadline;
    alone.sources += index;
    alone.source_count = 1;
    offline_store_stop_on(checkup->offline, deadline_begin(&deadline, PATIENCE_MS));
    enum status status =
        offline_store_check(checkup->offline, &alone, checkup->arena, findings, err);
    offline_store_stop_on(checkup->offline, NULL);
    deadline_end(&deadline);
    return status;
}

static enum status look_at_source(struct checkup *checkup, size_t index)
{
    const char *name = checkup->repository.definitions.sources[index].about.name;
    struct findings findings = {0};
    struct error err;
    enum status status = check_source(checkup, index, &findings, &err);
    diagnosis_take(checkup->diagnosis, &findings);
    if (status == STATUS_CANCELLED)
        diagnosis_find(checkup->diagnosis, FINDING_ERROR,
                       "source %s: not to be read within %d s, as if somebody held a lock on its "
                       "table; runs and training sets would wait, too",
                       name, PATIENCE_MS / 1000);
    else if (status)
        diagnosis_find(checkup->diagnosis, FINDING_ERROR, "source %s: %s", name, err.message);
    return status;
}

void checkup_sources(struct checkup *checkup)
{
    diagnosis_begin(checkup->diagnosis, "sources");
    if (!checkup->has_definitions) {
        diagnosis_cannot_see(checkup->diagnosis, "the definitions come first");
        return;
    }
    if (!checkup->offline) {
        diagnosis_cannot_see(checkup->diagnosis, "the offline store is away");
        return;
    }
    diagnosis_see(checkup->diagnosis, "their tables, columns, types, rights and indexes");
    enum status status = STATUS_OK;
    for (size_t i = 0; i < checkup->repository.definitions.source_count; i++)
        if (status != STATUS_UNAVAILABLE)
            status = look_at_source(checkup, i);
}

/* The shortest lookback of all sources; runs of that one miss rows first. */
static const struct source *most_hurried(const struct definitions *definitions)
{
    const struct source *found = NULL;
    for (size_t i = 0; i < definitions->source_count; i++)
        if (!found || definitions->sources[i].lookback_us < found->lookback_us)
            found = &definitions->sources[i];
    return found;
}

static void judge_transaction(struct checkup *checkup, const struct open_transaction *oldest)
{
    const struct source *source =
        checkup->has_definitions ? most_hurried(&checkup->repository.definitions) : NULL;
    char lookback[DURATION_TEXT_SIZE];
    diagnosis_see(checkup->diagnosis, "the longest that writes: %s", oldest->text);
    if (!source || oldest->age_us <= source->lookback_us)
        return;
    duration_format(source->lookback_us, lookback);
    diagnosis_find(checkup->diagnosis, FINDING_ERROR,
                   "a transaction is open for longer than the lookback of source %s (%s), and runs "
                   "may miss the rows that it commits: end it, or make the lookback longer; "
                   "larder materialize --from reads a stretch again",
                   source->about.name, lookback);
}

void checkup_transactions(struct checkup *checkup)
{
    struct open_transaction oldest = {0};
    struct error err;
    bool found;
    diagnosis_begin(checkup->diagnosis, "transactions");
    if (!checkup->offline)
        diagnosis_cannot_see(checkup->diagnosis, "the offline store is away");
    else if (offline_store_oldest_transaction(checkup->offline, checkup->arena, &oldest, &found,
                                              &err))
        diagnosis_find(checkup->diagnosis, FINDING_ERROR, "%s", err.message);
    else if (found)
        judge_transaction(checkup, &oldest);
    else
        diagnosis_see(checkup->diagnosis, "%s",
                      checkup->repository.settings.offline_store.path
                          ? "one writes at a time, and hides nothing from a run"
                          : "none that writes is open");
}
