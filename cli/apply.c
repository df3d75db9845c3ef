/* apply.c - `larder apply`: register the definitions. */
#include "cli/changes.h"
#include "cli/command.h"
#include "cli/notice.h"
#include "materializer/sweep.h"
#include "store/online/online_store.h"
#include "store/registry/registry.h"

#include <jansson.h>
#include <stdio.h>

struct apply_job {
    const struct options *options;
    struct repository repository;
    struct apply_options apply;
    struct registry *registry;
    struct online_store *online;
    struct apply_outcome outcome;
    bool online_is_away;
    struct error online_error;
};

/*
 * Whose the online store is has to be known before anything is committed. A store that is away only
 * matters to --take-over: otherwise the next materialize or serve does what is left undone here.
 */
static enum status look_at_online_store(struct apply_job *job, struct error *err)
{
    enum status status = online_store_open(&job->repository.settings, &job->online, err);
    uint64_t owner = 0;
    if (!status)
        status = online_store_owner(job->online, &owner, err);
    if (status == STATUS_UNAVAILABLE && !job->apply.take_over) {
        job->online_is_away = true;
        job->online_error = *err;
        return STATUS_OK;
    }
    if (status || owner == 0 || job->apply.take_over)
        return status;
    uint64_t identity;
    status = registry_identity(job->registry, &identity, err);
    if (!status && identity != owner)
        status = fail(err, STATUS_CONFLICT,
                      "the online store belongs to another registry, or to one that was lost; with "
                      "--take-over it becomes this one's, and what it holds is served no more");
    return status;
}

/* Servers start from these definitions when PostgreSQL is away. */
static enum status tell_online_store(struct apply_job *job, struct error *err)
{
    const struct catalog *catalog = &job->outcome.catalog;
    struct arena *arena = job->options->arena;
    uint64_t removed;
    enum status status =
        online_store_claim(job->online, catalog->identity, job->apply.take_over, err);
    if (!status && job->apply.take_over)
        status =
            online_store_remove(job->online, catalog->project_id, NULL, NULL, 0, &removed, err);
    if (!status)
        status = online_store_put_catalog(
            job->online, catalog->definitions.project, catalog->identity, catalog->version,
            catalog_encode(catalog, arena), job->apply.take_over, err);
    if (!status)
        status = sweep(job->registry, job->online, catalog, arena, err);
    return status;
}

static enum status carry_out(struct apply_job *job, struct error *err)
{
    enum status status = registry_open(&job->repository.settings, &job->registry, err);
    if (!status)
        status = look_at_online_store(job, err);
    if (!status)
        status = registry_apply(job->registry, &job->repository.definitions, job->apply,
                                job->options->arena, &job->outcome, err);
    if (status || job->online_is_away || tell_online_store(job, &job->online_error) == STATUS_OK)
        return status;
    if (job->apply.take_over) {
        *err = job->online_error;
        return fail_within(err, "the definitions are applied, but the online store is not taken "
                                "over; run it again");
    }
    job->online_is_away = true;
    return STATUS_OK;
}

static bool has_removed_views(const struct difference *difference)
{
    for (size_t i = 0; i < difference->change_count; i++)
        if (difference->changes[i].object == OBJECT_FEATURE_VIEW &&
            difference->changes[i].kind == CHANGE_REMOVED)
            return true;
    return false;
}

/* Hints stand behind what was done, and only those about what has changed: plan tells the others.
 */
static int print_outcome(const struct apply_job *job, struct findings *findings)
{
    findings_keep_changed(findings, &job->outcome.difference);
    const struct apply_outcome *outcome = &job->outcome;
    if (job->online_is_away)
        notice(NOTICE_WARNING,
               "the definitions are applied, but not in the online store yet; materialize or "
               "serve puts them there%s: %s",
               has_removed_views(&outcome->difference)
                   ? ", and the next run removes the rows of removed views"
                   : "",
               job->online_error.message);
    if (job->options->json)
        return command_print_json(json_pack(
            "{s:s, s:I, s:o, s:o, s:s?}", "project", outcome->catalog.definitions.project,
            "version", (json_int_t)outcome->catalog.version, "changes",
            changes_to_json(&outcome->difference), "findings", findings_to_json(findings),
            "online_store_error", job->online_is_away ? job->online_error.message : NULL));
    changes_print(&outcome->difference, job->options->arena);
    printf("project %s is at version %llu%s\n", outcome->catalog.definitions.project,
           (unsigned long long)outcome->catalog.version,
           outcome->difference.change_count || job->apply.take_over ? "" : "; nothing changed");
    findings_print(findings);
    return EXIT_DONE;
}

static int run(const struct options *options)
{
    struct apply_job job = {
        .options = options,
        .apply = {.prune = option_flag(options, "--prune"),
                  .take_over = option_flag(options, "--take-over")},
    };
    struct error err;
    struct findings findings;
    if (command_lacks(options, "--replace"))
        return EXIT_USAGE;
    int code = command_read_repository(options, &job.repository);
    if (code)
        return code;
    if (changes_check(&job.repository.settings, &job.repository.definitions, options->arena,
                      &findings, &err))
        return command_failed(&err);
    if (findings_have_errors(&findings)) {
        findings_print(&findings);
        return EXIT_USAGE;
    }
    code = carry_out(&job, &err) ? command_failed(&err) : print_outcome(&job, &findings);
    online_store_close(job.online);
    registry_close(job.registry);
    return code;
}

static const struct option_spec apply_options[] = {
    {"--prune", OPTION_FLAG, NULL, "remove what the folder lacks"},
    {"--replace", OPTION_FLAG, NULL, "not possible yet"},
    {"--take-over", OPTION_FLAG, NULL, "make another registry's online store this one's"},
};

const struct command command_apply = {
    .name = "apply",
    .summary = "register the definitions",
    .synopsis = "[-C DIR] [--prune] [--take-over]",
    .text = "Makes the definitions of the repository those that are served, in one\n"
            "transaction. Every apply that changes something makes a new version; running\n"
            "servers follow within a second. What is registered but not in the folder is\n"
            "kept from harm: apply names it and does nothing, unless --prune says to remove\n"
            "it. Hints on indexes are about what has changed; plan tells all of them.\n",
    .options = apply_options,
    .option_count = COUNT_OF(apply_options),
    .run = run,
};
