/* plan.c - `larder plan`: what apply would change, and what the database says of the sources. */
#include "cli/changes.h"
#include "cli/command.h"
#include "store/registry/registry.h"

#include <jansson.h>
#include <stdio.h>

/* A registry without this project is an empty "before". CONFLICT keeps the difference: it is shown.
 */
static enum status find_difference(const struct options *options,
                                   const struct repository *repository,
                                   struct difference *difference, struct error *err)
{
    struct registry *registry;
    enum status status = registry_open(&repository->settings, &registry, err);
    if (status)
        return status;
    const struct apply_options apply = {.prune = option_flag(options, "--prune"),
                                        .take_over = option_flag(options, "--take-over")};
    status =
        registry_plan(registry, &repository->definitions, apply, options->arena, difference, err);
    registry_close(registry);
    return status;
}

static void print_summary(const struct difference *difference)
{
    size_t counts[] = {[CHANGE_ADDED] = 0, [CHANGE_REMOVED] = 0, [CHANGE_ALTERED] = 0};
    for (size_t i = 0; i < difference->change_count; i++)
        counts[difference->changes[i].kind]++;
    if (difference->change_count == 0)
        printf("nothing to change\n");
    else
        printf("%zu to add, %zu to alter, %zu to remove\n", counts[CHANGE_ADDED],
               counts[CHANGE_ALTERED], counts[CHANGE_REMOVED]);
}

static int print_plan(const struct options *options, const struct difference *difference,
                      const struct findings *findings, enum status status, const struct error *err)
{
    bool refused = status == STATUS_CONFLICT;
    if (options->json) {
        json_t *json = json_pack("{s:o, s:o}", "changes", changes_to_json(difference), "findings",
                                 findings_to_json(findings));
        json_object_set_new(json, "refused", refused ? json_string(err->message) : json_null());
        if (command_print_json(json))
            return EXIT_FAILED;
    } else {
        changes_print(difference, options->arena);
        print_summary(difference);
        findings_print(findings);
    }
    if (refused)
        return command_failed(err);
    return findings_have_errors(findings) ? EXIT_USAGE : EXIT_DONE;
}

static int run(const struct options *options)
{
    struct repository repository;
    struct error err;
    struct findings findings;
    struct difference difference;
    if (command_lacks(options, "--replace"))
        return EXIT_USAGE;
    int code = command_read_repository(options, &repository);
    if (code)
        return code;
    if (changes_check(&repository.settings, &repository.definitions, options->arena, &findings,
                      &err))
        return command_failed(&err);
    enum status status = find_difference(options, &repository, &difference, &err);
    if (status && status != STATUS_CONFLICT)
        return command_failed(&err);
    return print_plan(options, &difference, &findings, status, &err);
}

static const struct option_spec plan_options[] = {
    {"--prune", OPTION_FLAG, NULL, "plan the removal of what the folder lacks"},
    {"--replace", OPTION_FLAG, NULL, "not possible yet"},
    {"--take-over", OPTION_FLAG, NULL, "plan with another registry's online store taken over"},
};

const struct command command_plan = {
    .name = "plan",
    .summary = "show what apply would change",
    .synopsis = "[-C DIR] [--prune] [--take-over]",
    .text = "Compares the definitions with what is applied (+ added, - removed, ~ altered)\n"
            "and every source with its table: missing tables and columns, types that do not\n"
            "fit, and, as hints, indexes that would serve point-in-time reads. Changes\n"
            "nothing.\n",
    .options = plan_options,
    .option_count = COUNT_OF(plan_options),
    .run = run,
};
