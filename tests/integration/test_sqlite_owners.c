/* test_sqlite_owners.c - whatever stands in an owner's table, scans and joins read it alike. */
#include "owners_table.h"
#include "private_file.h"
#include "training/join.h"

#include "../unit/definitions_text.h"
#include "base/timestamp.h"
#include "base/value_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SEEDS = 400, ASKS = 60, SCANS = 6 };

static const struct entity_key_ids ids = {1, 1, 1, 1};
static struct private_file file;

struct trial {
    struct owners_table table;
    struct definitions definitions;
    struct offline_store *store;
    uint64_t seed;
};

static void fail_trial(struct trial *t, const char *what)
{
    fprintf(stderr, "%s\n%s", t->table.sql, owners_table_yaml(&t->table)); /* fail_msg is short */
    fail_msg("seed %llu: %s", (unsigned long long)t->seed, what);
}

static void demand(struct trial *t, enum status status, const struct error *err)
{
    if (status)
        fail_trial(t, err->message);
}

static void append_value(struct buffer *text, const struct value *value)
{
    buffer_append_text(text, "|");
    if (value->is_null)
        buffer_append_text(text, "null");
    else
        value_format(value, text);
}

static const char *text_of(struct trial *t, int64_t event_us, int64_t created_us,
                           const struct value *features)
{
    struct buffer text;
    buffer_init(&text, 0);
    buffer_printf(&text, "%lld|%lld", (long long)event_us, (long long)created_us);
    for (size_t i = 0; i < t->table.feature_count; i++)
        append_value(&text, &features[i]);
    const char *copy = arena_text_of(&t->table.arena, buffer_bytes(&text));
    buffer_release(&text);
    return copy;
}

static const char *text_of_row(struct trial *t, const struct owners_row *row)
{
    return text_of(t, row->event.int64,
                   row->created.is_null ? TIMESTAMP_UNKNOWN : row->created.int64, row->features);
}

static const char *with_keys(struct trial *t, const struct value *keys, const char *text)
{
    struct buffer whole;
    buffer_init(&whole, 0);
    for (size_t i = 0; i < t->table.key_count; i++)
        append_value(&whole, &keys[i]);
    buffer_printf(&whole, "|%s", text);
    const char *copy = arena_text_of(&t->table.arena, buffer_bytes(&whole));
    buffer_release(&whole);
    return copy;
}

/* Scans --------------------------------------------------------------------------------------- */

static bool is_wanted(const struct scan_request *request, const struct owners_row *row)
{
    int64_t event = row->event.int64;
    bool in_events = event >= request->from_us && event <= request->to_us;
    bool in_new = event > request->from_us && event <= request->to_us;
    bool is_recorded = !row->created.is_null && row->created.int64 > request->from_us &&
                       row->created.int64 <= request->to_us && event <= request->to_us;
    if (event < request->oldest_us)
        return false;
    return request->mode == SCAN_EVENTS || request->from_us == INT64_MIN ? in_events
                                                                         : in_new || is_recorded;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void check_scan_counts(struct trial *t, const struct scan_counts *counts)
{
    uint64_t left_out = 0, misfits = 0;
    for (size_t i = 0; i < t->table.row_count; i++) {
        const struct owners_row *row = &t->table.rows[i];
        bool unfit = owners_row_is_unfit(&t->table, row);
        left_out += unfit;
        misfits += row->event_is_misfit + (row->event.is_null ? 0 : row->key_misfits) +
                   (unfit ? 0 : row->feature_misfits);
    }
    if (counts->left_out != left_out || counts->misfits != misfits)
        fail_trial(t, arena_printf(&t->table.arena,
                                   "a scan left %d rows out and met %d misfits, not %d and %d",
                                   (int)counts->left_out, (int)counts->misfits, (int)left_out,
                                   (int)misfits));
}

static void check_scan(struct trial *t, struct scan_request request)
{
    const char *got[OWNERS_ROWS_MAX + 1], *wanted[OWNERS_ROWS_MAX];
    size_t got_count = 0, wanted_count = 0;
    struct offline_scan *scan;
    const struct scan_row *row;
    struct error err;
    request.view = &t->definitions.views[0];
    demand(t, offline_store_begin(t->store, NULL, &err), &err);
    demand(t, offline_scan_open(t->store, &request, &scan, &err), &err);
    for (;;) {
        demand(t, offline_scan_next(scan, &row, &err), &err);
        if (!row)
            break;
        if (got_count == OWNERS_ROWS_MAX)
            fail_trial(t, "more rows than there are");
        got[got_count++] = with_keys(
            t, row->keys, text_of(t, row->event_time_us, row->created_time_us, row->values));
    }
    for (size_t i = 0; i < t->table.row_count; i++)
        if (!owners_row_is_unfit(&t->table, &t->table.rows[i]) &&
            is_wanted(&request, &t->table.rows[i]))
            wanted[wanted_count++] =
                with_keys(t, t->table.rows[i].keys, text_of_row(t, &t->table.rows[i]));
    qsort(got, got_count, sizeof *got, compare_texts);
    qsort(wanted, wanted_count, sizeof *wanted, compare_texts);
    for (size_t i = 0; i < got_count || i < wanted_count; i++)
        if (i >= got_count || i >= wanted_count || strcmp(got[i], wanted[i]) != 0)
            fail_trial(t, arena_printf(&t->table.arena, "mode %d (%lld, %lld], row %zu: %s not %s",
                                       request.mode, (long long)request.from_us,
                                       (long long)request.to_us, i, i < got_count ? got[i] : "none",
                                       i < wanted_count ? wanted[i] : "none"));
    if (request.from_us == INT64_MIN && request.to_us == INT64_MAX)
        check_scan_counts(t, offline_scan_counts(scan));
    offline_scan_close(scan);
    offline_store_end(t->store);
}

static void check_scans(struct trial *t)
{
    check_scan(t, (struct scan_request){NULL, SCAN_EVENTS, INT64_MIN, INT64_MAX, INT64_MIN});
    for (int i = 0; i < SCANS; i++) {
        int64_t from_us = owners_question_draw(&t->table).at_us;
        int64_t to_us = owners_question_draw(&t->table).at_us;
        struct scan_request request = {
            .mode = i % 2 ? SCAN_EVENTS : SCAN_INCREMENTAL,
            .from_us = from_us < to_us ? from_us : to_us,
            .to_us = from_us < to_us ? to_us : from_us,
            .oldest_us = i % 3 ? INT64_MIN : owners_question_draw(&t->table).at_us - 8000000,
        };
        check_scan(t, request);
    }
}

/* Joins --------------------------------------------------------------------------------------- */

static struct selection select_all(struct trial *t)
{
    struct bytes references[OWNERS_FEATURES_MAX];
    struct selection selection;
    struct error err;
    for (size_t i = 0; i < t->table.feature_count; i++)
        references[i] = bytes_of_text(arena_printf(&t->table.arena, "v:f%zu", i));
    demand(t,
           selection_of_references(&t->definitions, references, t->table.feature_count, false,
                                   &t->table.arena, &selection, &err),
           &err);
    return selection;
}

/* Whether it is one of the rows that may answer; adds the misfits that it may hold. */
static void check_answer(struct trial *t, const struct owners_question *question,
                         const struct joined_view *view, uint64_t *least, uint64_t *most)
{
    const char *got =
        view->found ? text_of(t, view->event_time_us, view->created_time_us, view->values) : NULL;
    const char *wanted = NULL;
    uint64_t fewest = UINT64_MAX, many = 0;
    bool is_right = false;
    for (size_t i = 0; i < t->table.row_count; i++) {
        const struct owners_row *row = &t->table.rows[i];
        if (!owners_row_answers(&t->table, question, row))
            continue;
        wanted = text_of_row(t, row);
        is_right = is_right || (got && strcmp(got, wanted) == 0);
        fewest = row->feature_misfits < fewest ? row->feature_misfits : fewest;
        many = row->feature_misfits > many ? row->feature_misfits : many;
    }
    if (wanted ? !is_right : got != NULL)
        fail_trial(t, with_keys(t, question->keys,
                                arena_printf(&t->table.arena, "asked at %lld%s: %s, not %s",
                                             (long long)question->at_us,
                                             question->as_known ? " as known" : "",
                                             got ? got : "nothing", wanted ? wanted : "nothing")));
    *least += wanted ? fewest : 0;
    *most += many;
}

static void check_join_counts(struct trial *t, const struct join_counts *counts, bool created,
                              uint64_t least, uint64_t most)
{
    uint64_t left_out = 0, long_keys = 0, unknown = 0;
    for (size_t i = 0; i < t->table.row_count; i++) {
        const struct owners_row *row = &t->table.rows[i];
        bool unfit = owners_row_is_unfit(&t->table, row);
        left_out += unfit;
        long_keys += !unfit && row->is_long;
        unknown += !unfit && !row->is_long && created && row->created.is_null;
    }
    if (counts->left_out != left_out || counts->long_keys != long_keys ||
        counts->unknown_created != unknown || counts->misfits < least || counts->misfits > most)
        fail_trial(t,
                   arena_printf(&t->table.arena,
                                "a join counted %d left out, %d long, %d unknown, %d misfits; "
                                "not %d, %d, %d and %d to %d",
                                (int)counts->left_out, (int)counts->long_keys,
                                (int)counts->unknown_created, (int)counts->misfits, (int)left_out,
                                (int)long_keys, (int)unknown, (int)least, (int)most));
}

/* All asks of one join share what the join is asked for. */
static void check_join(struct trial *t, const struct join_options *options)
{
    struct owners_question questions[ASKS];
    struct selection selection = select_all(t);
    struct training_join *join;
    const struct joined_row *row;
    struct error err;
    uint64_t least = 0, most = 0;
    for (size_t i = 0; i < ASKS; i++) {
        questions[i] = owners_question_draw(&t->table);
        questions[i].as_known = questions[0].as_known;
        questions[i].as_of_us = questions[0].as_of_us;
        questions[i].with_status = questions[0].with_status;
    }
    struct join_request request = {
        &selection, &ids, questions[0].as_known, questions[0].as_of_us, questions[0].with_status,
        false};
    demand(t, training_join_open(t->store, &request, options, &join, &err), &err);
    for (size_t i = 0; i < ASKS; i++)
        demand(t, training_join_ask(join, questions[i].keys, questions[i].at_us, &err), &err);
    demand(t, training_join_run(join, &err), &err);
    for (size_t i = 0; i < ASKS; i++) {
        demand(t, training_join_next(join, &row, &err), &err);
        check_answer(t, &questions[i], &row->views[0], &least, &most);
    }
    demand(t, training_join_next(join, &row, &err), &err);
    check_join_counts(t, training_join_counts(join),
                      request.as_known || request.as_of_us != AS_OF_NOW, least, most);
    training_join_close(join);
}

/* Trials -------------------------------------------------------------------------------------- */

/* Columns that cannot hold what they are to be read as are refused, and that is the end of it. */
static bool is_refused(struct trial *t)
{
    struct scan_request all = {&t->definitions.views[0], SCAN_EVENTS, INT64_MIN, INT64_MAX,
                               INT64_MIN};
    struct offline_scan *scan = NULL;
    struct error err;
    demand(t, offline_store_begin(t->store, NULL, &err), &err);
    enum status status = offline_scan_open(t->store, &all, &scan, &err);
    offline_scan_close(scan);
    offline_store_end(t->store);
    if (status && !strstr(err.message, "declare a type that fits") &&
        !strstr(err.message, "times are integers here"))
        demand(t, status, &err);
    return status != STATUS_OK;
}

static bool try_seed(uint64_t seed)
{
    static const struct join_options ways[] = {{.strategy = JOIN_PROBE},
                                               {.strategy = JOIN_PASS},
                                               {.strategy = JOIN_PASS, .memory_bytes = 1}};
    struct trial t = {.seed = seed};
    private_file_clear(&file);
    owners_table_draw(&t.table, seed);
    private_file_try(&file, t.table.sql);
    t.definitions = definitions_of(owners_table_yaml(&t.table), &t.table.arena);
    t.store = private_file_store(&file);
    bool refused = is_refused(&t);
    if (!refused) {
        owners_table_read(&t.table, file.path, &ids);
        check_scans(&t);
        for (size_t i = 0; i < 6; i++)
            check_join(&t, &ways[i % COUNT_OF(ways)]);
    }
    offline_store_close(t.store);
    owners_table_release(&t.table);
    return !refused;
}

static uint64_t number(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* LARDER_TEST_SEED runs one that failed alone, LARDER_TEST_SEEDS so many from there. */
static void what_is_read_is_what_stands_there(void **state)
{
    (void)state;
    uint64_t first = number("LARDER_TEST_SEED", 0);
    uint64_t count = number("LARDER_TEST_SEEDS", first ? 1 : SEEDS), read = 0;
    for (uint64_t seed = first ? first : 1; count > 0; count--)
        read += try_seed(seed++);
    assert_true(first || read > SEEDS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_read_is_what_stands_there)};
    private_file_make(&file);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    private_file_remove(&file);
    return failed;
}
