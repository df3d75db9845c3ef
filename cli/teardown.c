/* teardown.c - `larder teardown`: remove a project's registry entries and its online rows. */
#include "cli/applied.h"
#include "cli/notice.h"
#include "cli/progress.h"
#include "store/online/online_store.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Rows of another registry are not ours to remove. */
static enum status clear_online_store(const struct applied *applied, uint64_t *removed,
                                      struct error *err)
{
    struct online_store *store;
    uint64_t owner = 0;
    enum status status = online_store_open(&applied->settings, &store, err);
    if (status)
        return status;
    status = online_store_owner(store, &owner, err);
    if (!status && owner == applied->catalog.identity)
        status = online_store_remove(store, applied->catalog.project_id, applied->settings.project,
                                     NULL, 0, removed, err);
    online_store_close(store);
    return status;
}

/* With the last project the registry is gone, and the next one is to find a store that is nobody's.
 */
static enum status release_online_store(const struct applied *applied, struct error *err)
{
    struct online_store *store = NULL;
    uint64_t identity;
    enum status status = registry_identity(applied->registry, &identity, err);
    if (status || identity != 0)
        return status;
    status = online_store_open(&applied->settings, &store, err);
    if (!status)
        status = online_store_release(store, applied->catalog.identity, err);
    online_store_close(store);
    return status;
}

static int print_json(const struct applied *applied, bool was_applied, uint64_t removed)
{
    return command_print_json(json_pack("{s:s, s:b, s:I}", "project", applied->settings.project,
                                        "was_applied", was_applied, "rows_removed",
                                        (json_int_t)removed));
}

/* Online rows first: the registry is what remembers that there are any. */
static int tear_down(const struct options *options, const struct applied *applied)
{
    struct error err;
    uint64_t removed = 0;
    if (clear_online_store(applied, &removed, &err) ||
        registry_remove(applied->registry, applied->settings.project, &err) ||
        release_online_store(applied, &err))
        return command_failed(&err);
    if (options->json)
        return print_json(applied, true, removed);
    char text[COUNT_TEXT_SIZE];
    printf("project %s is removed: its registry entries and %s online row%s\n"
           "the sources' tables stay as they are\n",
           applied->settings.project, count_format(removed, text), removed == 1 ? "" : "s");
    return EXIT_DONE;
}

/* Somebody has said it, or can be asked: what is removed does not come back. */
static bool can_confirm(const struct options *options)
{
    return option_flag(options, "--yes") || isatty(STDIN_FILENO);
}

static bool is_confirmed(const struct options *options, const char *project)
{
    char answer[NAME_SIZE_MAX + 2];
    if (option_flag(options, "--yes"))
        return true;
    fprintf(stderr,
            "This removes project %s and its online rows. Type its name to go on: ", project);
    if (!fgets(answer, sizeof answer, stdin)) {
        fputc('\n', stderr); /* Ctrl-D ends no line */
        return false;
    }
    answer[strcspn(answer, "\n")] = '\0';
    return strcmp(answer, project) == 0;
}

static int ask_and_tear_down(const struct options *options, const struct applied *applied)
{
    if (!can_confirm(options)) {
        notice(NOTICE_FAILURE, "teardown asks first, and there is no terminal to ask on: give "
                               "--yes to remove the project");
        return EXIT_USAGE;
    }
    if (is_confirmed(options, applied->settings.project))
        return tear_down(options, applied);
    notice(NOTICE_FAILURE, "nothing was removed");
    return EXIT_FAILED;
}

/* It is as it was to be: a script that cleans up may do so twice. */
static int tell_nothing_to_do(const struct options *options, const struct applied *applied)
{
    if (options->json)
        return print_json(applied, false, 0);
    printf("project %s is not applied: there is nothing to tear down\n", applied->settings.project);
    return EXIT_DONE;
}

static int run(const struct options *options)
{
    struct applied applied;
    bool found;
    int code = applied_find(options, &applied, &found);
    if (code)
        return code;
    code = found ? ask_and_tear_down(options, &applied) : tell_nothing_to_do(options, &applied);
    applied_close(&applied);
    return code;
}

static const struct option_spec teardown_options[] = {
    {"--yes", OPTION_FLAG, NULL, "do not ask"},
};

const struct command command_teardown = {
    .name = "teardown",
    .summary = "remove the project's registry entries and online rows",
    .synopsis = "[-C DIR] [--yes]",
    .text = "Removes what Larder made for this project: its entries in the registry (and the\n"
            "registry's schema with the last project) and its rows in the online store. The\n"
            "sources' tables are never touched, also those that load has filled. It asks\n"
            "first, and without a terminal it does nothing unless --yes is given. Where\n"
            "nothing is applied there is nothing to remove, and it exits with 0.\n",
    .options = teardown_options,
    .option_count = COUNT_OF(teardown_options),
    .run = run,
};
