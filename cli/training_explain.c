/* training_explain.c - see training_explain.h. */
#include "cli/training_explain.h"

#include "base/timestamp.h"
#include "cli/progress.h"
#include "cli/store_opening.h"
#include "cli/table.h"
#include "training/explain.h"

#include <jansson.h>

static const char *strategy_name(enum join_strategy strategy)
{
    return strategy == JOIN_PROBE ? "probe" : "pass";
}

/* NULL: no time that a row can have. */
static const char *time_text(int64_t us, struct arena *arena)
{
    char text[TIMESTAMP_TEXT_SIZE];
    if (!timestamp_in_range(us))
        return NULL;
    timestamp_format(us, text);
    return arena_text(arena, text);
}

static int print_json(const struct join_explanation *explanation, struct arena *arena)
{
    json_t *views = json_array();
    for (size_t i = 0; i < explanation->view_count; i++) {
        const struct explained_view *view = &explanation->views[i];
        json_array_append_new(
            views, json_pack("{s:s, s:s, s:s, s:b, s:I, s:f, s:f, s:s?, s:s?}", "view", view->name,
                             "strategy", strategy_name(view->strategy), "why", view->reason,
                             "index", view->is_served, "history_rows", (json_int_t)view->rows,
                             "probe_ms", view->probe_ms, "pass_ms", view->pass_ms, "from",
                             time_text(view->from_us, arena), "to", time_text(view->to_us, arena)));
    }
    return command_print_json(json_pack("{s:I, s:b, s:I, s:o}", "asks",
                                        (json_int_t)explanation->asks, "counts_left_out",
                                        !explanation->leaves_uncounted, "pass_parts",
                                        (json_int_t)explanation->pass_parts, "views", views));
}

static int print_text(const struct join_explanation *explanation, struct arena *arena)
{
    static const char *const titles[] = {"FEATURE VIEW", "BY",      "HISTORY ROWS",
                                         "PROBE MS",     "PASS MS", "WHY"};
    static const bool right[] = {false, false, true, true, true, false};
    char asks[COUNT_TEXT_SIZE], rows[COUNT_TEXT_SIZE];
    struct table table;
    table_init(&table, arena, COUNT_OF(titles), titles, right);
    table.wraps = true;
    for (size_t i = 0; i < explanation->view_count; i++) {
        const struct explained_view *view = &explanation->views[i];
        const char *const cells[] = {view->name,
                                     strategy_name(view->strategy),
                                     arena_text(arena, count_format(view->rows, rows)),
                                     arena_printf(arena, "%.0f", view->probe_ms),
                                     arena_printf(arena, "%.0f", view->pass_ms),
                                     view->reason};
        table_add(&table, cells);
    }
    printf("%s row%s ask; rows and times are estimates\n", count_format(explanation->asks, asks),
           explanation->asks == 1 ? "" : "s");
    table_print(&table, stdout, "  ");
    if (explanation->leaves_uncounted)
        printf("source rows that are left out would not be counted: that reads all of them\n");
    if (explanation->pass_parts > 1)
        printf("training: memory: does not hold the pass, which would put rows aside on disk and\n"
               "answer them in %zu parts\n",
               explanation->pass_parts);
    return EXIT_DONE;
}

int training_explain(const struct options *options, const struct training_request *request,
                     struct store_opening *opening)
{
    struct error err;
    struct join_explanation explanation;
    struct offline_store *store = NULL;
    bool refused = false;
    enum status status = store_opening_take(opening, &store, &err);
    if (!status)
        offline_store_stop_on(store, request->stop);
    if (!status)
        status = training_set_explain(store, request, options->arena, &explanation, &refused, &err);
    offline_store_close(store);
    if (status)
        return refused ? command_misused(&err) : command_failed(&err);
    return options->json ? print_json(&explanation, options->arena)
                         : print_text(&explanation, options->arena);
}
