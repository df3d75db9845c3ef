/* offline_text.c - see offline_text.h. */
#include "offline_text.h"

#include "../unit/definitions_text.h"
#include "base/buffer.h"
#include "base/timestamp.h"
#include "base/value_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

const struct entity_key_ids small_key_ids[] = {
    {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}};

static struct private_database database;
static struct offline_test test = {.database = &database};

int offline_tests_begin(void **state)
{
    (void)state;
    private_database_make(&database);
    return 0;
}

int offline_tests_end(void **state)
{
    (void)state;
    private_database_drop(&database);
    return 0;
}

int offline_test_set_up(void **state)
{
    private_database_clear(&database);
    test.store = private_database_store(&database, NULL);
    arena_init(&test.arena, 0);
    *state = &test;
    return 0;
}

int offline_test_tear_down(void **state)
{
    struct offline_test *t = *state;
    offline_store_close(t->store);
    arena_release(&t->arena);
    return 0;
}

void connect_anew(struct offline_test *t, const char *options)
{
    offline_store_close(t->store);
    t->store = private_database_store(t->database, options);
}

void make_reader(struct offline_test *t)
{
    owner(t, "DROP ROLE IF EXISTS " READER "; CREATE ROLE " READER " LOGIN;"
             "GRANT USAGE ON SCHEMA public TO " READER);
}

void drop_reader(struct offline_test *t)
{
    connect_anew(t, NULL);
    owner(t, "DROP OWNED BY " READER "; DROP ROLE " READER);
}

void owner(struct offline_test *t, const char *sql)
{
    private_database_run(t->database, sql);
}

void define_yaml(struct offline_test *t, const char *yaml)
{
    t->definitions = definitions_of(yaml, &t->arena);
}

void define(struct offline_test *t, const char *join_keys, const char *source, const char *view)
{
    define_yaml(t, arena_printf(&t->arena,
                                "project: test\n"
                                "entities: [{name: thing, join_keys: {%s}}]\n"
                                "sources: [{name: s, event_time: at, %s}]\n"
                                "feature_views: [{name: v, entities: [thing], source: s, %s}]\n",
                                join_keys, source, view));
}

static void make_table(struct offline_test *t, const char *columns, const char *rows)
{
    owner(t, arena_printf(&t->arena, "CREATE TABLE r (%s)", columns));
    if (rows)
        owner(t, arena_printf(&t->arena, "INSERT INTO r VALUES %s", rows));
}

void keep_history(struct offline_test *t, const char *rows)
{
    make_table(t, "id int, at timestamptz, x float8", rows);
    define(t, "id: int32", "table: r", X);
}

void keep_recorded_history(struct offline_test *t, const char *policy, const char *rows)
{
    make_table(t, "id int, at timestamptz, made timestamptz, x float8", rows);
    define(t, "id: int32",
           arena_printf(&t->arena, "table: r, created_time: made, misfits: %s", policy), X);
}

static const char *time_text(struct arena *arena, int64_t us)
{
    char text[TIMESTAMP_TEXT_SIZE];
    if (us == TIMESTAMP_UNKNOWN)
        return "null";
    timestamp_format(us, text);
    bool is_short = strncmp(text, "2024-", 5) == 0 && strcmp(text + 19, ".000000Z") == 0;
    if (!is_short)
        return arena_text(arena, text);
    return arena_printf(arena, "%.5s %.8s", text + 5, text + 11);
}

static void append_value(struct buffer *text, struct arena *arena, const struct value *value)
{
    if (value->is_null)
        buffer_append_text(text, "null");
    else if (value->type == TYPE_TIMESTAMP)
        buffer_append_text(text, time_text(arena, value->int64));
    else
        value_format(value, text);
}

static const char *failed(struct offline_test *t, const struct error *err)
{
    return arena_printf(&t->arena, "%s: %s", status_name(err->status), err->message);
}

static const char *row_text(struct offline_test *t, const struct feature_view *view,
                            const struct scan_row *row)
{
    struct buffer text;
    buffer_init(&text, 0);
    for (size_t i = 0; i < view->key_count; i++) {
        append_value(&text, &t->arena, &row->keys[i]);
        buffer_append_byte(&text, '|');
    }
    buffer_printf(&text, "%s|%s", time_text(&t->arena, row->event_time_us),
                  time_text(&t->arena, row->created_time_us));
    for (size_t i = 0; i < view->feature_count; i++) {
        buffer_append_byte(&text, '|');
        append_value(&text, &t->arena, &row->values[i]);
    }
    const char *copy = arena_text_of(&t->arena, buffer_bytes(&text));
    buffer_release(&text);
    return copy;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum { LINES_MAX = 100 };

static const char *lines_text(struct offline_test *t, const char **lines, size_t count,
                              const struct scan_counts *counts)
{
    const char *text = "";
    qsort(lines, count, sizeof *lines, compare_texts);
    for (size_t i = 0; i < count; i++)
        text = arena_printf(&t->arena, "%s%s\n", text, lines[i]);
    return arena_printf(&t->arena, "%sleft out %d, misfits %d", text, (int)counts->left_out,
                        (int)counts->misfits);
}

const char *scanned(struct offline_test *t, struct scan_request request)
{
    const char *lines[LINES_MAX];
    size_t count = 0;
    struct offline_scan *scan = NULL;
    const struct scan_row *row = NULL;
    struct error err;
    request.view = &t->definitions.views[0];
    enum status status = offline_store_begin(t->store, NULL, &err);
    if (!status)
        status = offline_scan_open(t->store, &request, &scan, &err);
    while (!status && !(status = offline_scan_next(scan, &row, &err)) && row && count < LINES_MAX)
        lines[count++] = row_text(t, request.view, row);
    const char *text =
        status ? failed(t, &err) : lines_text(t, lines, count, offline_scan_counts(scan));
    offline_scan_close(scan);
    offline_store_end(t->store);
    return text;
}

const char *scanned_all(struct offline_test *t)
{
    struct scan_request all = {NULL, SCAN_EVENTS, INT64_MIN, INT64_MAX, INT64_MIN};
    return scanned(t, all);
}

/* "v:x v:y", or the name of a service. */
static enum status select_features(struct offline_test *t, const char *features,
                                   struct selection *selection, struct error *err)
{
    struct bytes references[16];
    size_t count = 0;
    if (!strchr(features, ':'))
        return selection_of_service(&t->definitions, features, false, &t->arena, selection, err);
    char *copy = arena_text(&t->arena, features), *rest = NULL;
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        references[count++] = bytes_of_text(word);
    return selection_of_references(&t->definitions, references, count, false, &t->arena, selection,
                                   err);
}

static struct bytes take_part(const char **text, const char *ends)
{
    size_t size = strcspn(*text, ends);
    struct bytes part = {*text, size};
    *text += size + ((*text)[size] != '\0');
    return part;
}

static enum status ask(struct offline_test *t, struct training_join *join,
                       const struct selection *selection, const char *text, struct error *err)
{
    struct value keys[32];
    int64_t at_us;
    for (size_t i = 0; i < selection->key_count; i++) {
        struct bytes part = take_part(&text, ",@");
        keys[i] = value_null(selection->keys[i].type);
        if (part.size > 0)
            assert_int_equal(value_parse(selection->keys[i].type, part, &t->arena, &keys[i], err),
                             STATUS_OK);
    }
    assert_true(timestamp_parse(bytes_of_text(text), &at_us));
    return training_join_ask(join, keys, at_us, err);
}

static void append_view(struct buffer *text, struct arena *arena, const struct joined_view *view,
                        size_t feature_count)
{
    if (!view->found) {
        buffer_append_text(text, "-");
        return;
    }
    buffer_printf(text, "%s|%s", time_text(arena, view->event_time_us),
                  time_text(arena, view->created_time_us));
    for (size_t i = 0; i < feature_count; i++) {
        buffer_append_byte(text, '|');
        append_value(text, arena, &view->values[i]);
    }
}

static enum status take_answers(struct offline_test *t, struct training_join *join,
                                const struct selection *selection, struct buffer *text,
                                struct error *err)
{
    const struct joined_row *row = NULL;
    enum status status;
    while (!(status = training_join_next(join, &row, err)) && row) {
        for (size_t v = 0; v < selection->view_count; v++) {
            size_t features = 0;
            for (size_t i = 0; i < selection->feature_count; i++)
                features += selection->features[i].view == v;
            buffer_append_text(text, v == 0 ? "" : ";");
            append_view(text, &t->arena, &row->views[v], features);
        }
        buffer_append_byte(text, '\n');
    }
    if (!status) {
        const struct join_counts *counts = training_join_counts(join);
        buffer_printf(text, "left out %d, unknown %d, misfits %d", (int)counts->left_out,
                      (int)counts->unknown_created, (int)counts->misfits);
        if (counts->long_keys > 0)
            buffer_printf(text, ", long keys %d", (int)counts->long_keys);
    }
    return status;
}

static struct join_options options;

void offline_tests_join_by(struct join_options by)
{
    options = by;
}

const char *joined(struct offline_test *t, const char *features, struct join_request request,
                   const char *const *asks, size_t count)
{
    struct selection selection;
    struct training_join *join = NULL;
    struct buffer text;
    struct error err;
    buffer_init(&text, 0);
    request.selection = &selection;
    request.key_ids = small_key_ids;
    enum status status = select_features(t, features, &selection, &err);
    if (!status)
        status = training_join_open(t->store, &request, &options, &join, &err);
    for (size_t i = 0; i < count && !status; i++)
        status = ask(t, join, &selection, asks[i], &err);
    if (!status)
        status = training_join_run(join, &err);
    if (!status)
        status = take_answers(t, join, &selection, &text, &err);
    const char *copy = status ? failed(t, &err) : arena_text_of(&t->arena, buffer_bytes(&text));
    training_join_close(join);
    buffer_release(&text);
    return copy;
}

const char *checked(struct offline_test *t)
{
    struct findings findings;
    struct error err;
    const char *text = "";
    if (offline_store_check(t->store, &t->definitions, &t->arena, &findings, &err))
        return failed(t, &err);
    for (size_t i = 0; i < findings.count; i++)
        text = arena_printf(&t->arena, "%s%s: %s\n", text,
                            findings.items[i].kind == FINDING_ERROR ? "error" : "hint",
                            findings.items[i].text);
    return text;
}

void check_text(const char *text, const char *expected)
{
    if (strcmp(text, expected) != 0)
        fail_msg("expected:\n%s\nbut there is:\n%s", expected, text);
}

void check_holds(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("expected somewhere:\n%s\nbut there is:\n%s", part, text);
}
