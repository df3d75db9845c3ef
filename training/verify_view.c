/* verify_view.c - see verify_view.h. */
#include "training/verify_view.h"

#include "base/timestamp.h"
#include "training/verified_keys.h"
#include "training/view_look.h"

#include <time.h>

enum { STEP_MS = 50 };

struct view_check {
    const struct verify_stores *stores;
    const struct verify_request *request;
    struct arena arena; /* the definitions */
    struct catalog catalog;
    const struct catalog_view *view;
    const struct view_state *state;
    struct view_look look;
    struct verified_view *report;
    struct verified_keys verified;
};

/* The definitions ----------------------------------------------------------------------------- */

static enum verify_state state_of(const struct view_check *check)
{
    if (!check->view || !check->view->view->online)
        return VERIFY_CHANGED;
    if (!check->state->has_watermark)
        return VERIFY_NEVER;
    if (check->state->pending_generation)
        return VERIFY_PENDING;
    return check->state->stale_version ? VERIFY_STALE : VERIFY_COMPARED;
}

static enum status read_definitions(struct view_check *check, struct error *err)
{
    struct registry *registry = check->stores->registry;
    struct view_state *states;
    struct catalog *catalog = &check->catalog;
    enum status status = registry_read(registry, check->request->catalog->definitions.project,
                                       &check->arena, catalog, err);
    if (!status)
        status = registry_view_states(registry, catalog, &check->arena, &states, err);
    if (status)
        return status;
    check->view = catalog_find_view(catalog, check->report->view);
    check->state = check->view ? &states[check->view - catalog->views] : NULL;
    return STATUS_OK;
}

/* Whose rows they are: a store that was emptied is nobody's, and lacks them all. */
static enum status check_owner(const struct view_check *check, struct error *err)
{
    uint64_t owner;
    enum status status = online_store_owner(check->stores->online, &owner, err);
    if (status || owner == 0 || owner == check->catalog.identity)
        return status;
    return fail(err, STATUS_CONFLICT, "the online store belongs to another registry");
}

/* Looking twice ------------------------------------------------------------------------------- */

static bool is_suspect(const struct sampled_key *key)
{
    return verdict_is_difference(key->verdict);
}

static enum status pause_between(const struct view_check *check, struct error *err)
{
    const struct timespec step = {.tv_nsec = STEP_MS * 1000000};
    int64_t until_us = timestamp_monotonic_us() + VERIFY_PAUSE_MS * INT64_C(1000);
    while (timestamp_monotonic_us() < until_us) {
        if (verify_is_stopped(check->request))
            return verify_stopped(err);
        nanosleep(&step, NULL);
    }
    return STATUS_OK;
}

/* Whether an apply, or a run that has rebuilt a view, came after the definitions were read. */
static enum status look_for_changes(struct view_check *check, struct error *err)
{
    struct registry_version version;
    enum status status = registry_version(
        check->stores->registry, check->request->catalog->definitions.project, &version, err);
    if (!status && !registry_version_is(version, &check->catalog))
        check->report->state = VERIFY_CHANGED;
    return status;
}

/* At what differed, alone: both sides are read again. Rows of a generation that was left are
 * removed, so changes are looked for before and behind. */
static enum status look_again(struct view_check *check, struct error *err)
{
    key_sample_close(&check->look.sample, is_suspect);
    for (size_t i = 0; i < check->look.sample.count; i++) {
        check->look.sample.keys[i].is_read = false;
        check->look.sample.keys[i].served = (struct bytes){0};
    }
    enum status status = pause_between(check, err);
    if (!status)
        status = look_for_changes(check, err);
    if (status || check->report->state == VERIFY_CHANGED)
        return status;
    check->look.is_second = true;
    status = view_look_run(&check->look, err);
    check->look.is_second = false;
    return status ? status : look_for_changes(check, err);
}

static enum status compare_range(struct view_check *check, struct error *err)
{
    struct key_sample *sample = &check->look.sample;
    enum status status = view_look_find_keys(&check->look, err);
    if (!status)
        status = view_look_run(&check->look, err);
    if (status)
        return status;
    verified_keys_count(&check->verified, sample, check->state, false);
    bool has_suspects = false;
    for (size_t i = 0; i < sample->count && !has_suspects; i++)
        has_suspects = is_suspect(&sample->keys[i]);
    if (!has_suspects)
        return STATUS_OK;
    status = look_again(check, err);
    if (!status && check->report->state == VERIFY_COMPARED)
        verified_keys_count(&check->verified, sample, check->state, true);
    return status;
}

static void end_report(struct view_check *check)
{
    const struct view_look *look = &check->look;
    struct verified_view *report = check->report;
    verified_keys_report(&check->verified, report);
    report->share = check->request->sample ? key_sample_share(&look->sample) : 1;
    report->left_out = look->left_out;
    report->long_keys = look->long_keys;
    report->misfits = look->misfits;
}

static enum status compare(struct view_check *check, struct arena *arena, struct error *err)
{
    const struct verified_view *report = check->report;
    struct view_look *look = &check->look;
    enum status status = check_owner(check, err);
    if (status)
        return status;
    verified_keys_init(&check->verified, check->view, check->request->show, arena);
    view_look_init(look, check->stores, check->request, &check->catalog, check->view,
                   check->state->watermark_us);
    do {
        status = compare_range(check, err);
    } while (!status && report->state == VERIFY_COMPARED && !check->request->sample &&
             key_sample_next(&look->sample));
    if (!status && report->state == VERIFY_COMPARED)
        end_report(check);
    view_look_release(look);
    return status;
}

static void begin_report(struct view_check *check, struct arena *arena)
{
    struct verified_view *report = check->report;
    report->state = state_of(check);
    if (!check->state)
        return;
    report->reason = arena_text(arena, check->state->stale_reason);
    report->has_watermark = check->state->has_watermark;
    report->watermark_us = check->state->watermark_us;
}

enum status verify_view_run(const struct verify_stores *stores,
                            const struct verify_request *request, const char *name,
                            struct arena *arena, struct verified_view *report, struct error *err)
{
    struct view_check check = {.stores = stores, .request = request, .report = report};
    *report = (struct verified_view){.view = name};
    arena_init(&check.arena, 0);
    enum status status = read_definitions(&check, err);
    if (!status)
        begin_report(&check, arena);
    if (!status && report->state == VERIFY_COMPARED)
        status = compare(&check, arena, err);
    if (status == STATUS_CANCELLED && verify_is_stopped(request))
        status = verify_stopped(err);
    arena_release(&check.arena);
    return status ? fail_within(err, "feature view %s", name) : STATUS_OK;
}
