/* training_columns.c - see training_columns.h. */
#include "training/training_columns.h"

#include "base/timestamp.h"
#include "training/manifest.h"

enum { NOTES_MAX = 6 };

/* Notes of one column, being made. */
struct notes {
    struct table_note *notes;
    size_t count;
};

static struct notes notes_begin(struct arena *arena, const char *role)
{
    struct notes notes = {.notes = arena_array(arena, NOTES_MAX, sizeof *notes.notes), .count = 1};
    notes.notes[0] = (struct table_note){"larder.role", role};
    return notes;
}

static void note(struct notes *notes, const char *key, const char *text)
{
    if (text)
        notes->notes[notes->count++] = (struct table_note){key, text};
}

static void add_asked(struct training_columns *columns, const struct asks *asks,
                      const struct selection *selection, struct arena *arena)
{
    for (size_t i = 0; i < asks_column_count(asks); i++) {
        const char *role = i == asks_time_column(asks) ? "event_timestamp" : "passed_through";
        for (size_t k = 0; k < selection->key_count; k++)
            if (asks_key_column(asks, k) == i)
                role = "join_key";
        struct notes notes = notes_begin(arena, role);
        columns->columns[columns->schema.column_count++] = (struct table_column){
            .name = asks_column(asks, i), .notes = notes.notes, .note_count = notes.count};
    }
}

static enum status fail_taken(const struct training_request *request, const struct asks *asks,
                              size_t column, const struct selected_feature *feature,
                              struct error *err)
{
    const struct selected_view *use = &request->selection->views[feature->view];
    bool can_be_longer = !use->alias && !request->origin->full_names;
    fail(err, STATUS_INVALID, "column %s: the answer has one of that name, of %s:%s; rename it%s",
         asks_column(asks, column), use->alias ? use->alias : use->view->about.name,
         use->view->features[feature->feature].name, can_be_longer ? ", or give --full-names" : "");
    return asks_fail_at_column(asks, column, err);
}

/* Column names of the answer must differ from those that pass through. */
static enum status check_name(const struct training_request *request, const struct asks *asks,
                              const char *name, const struct selected_feature *feature,
                              struct error *err)
{
    for (size_t i = 0; i < asks_column_count(asks); i++)
        if (strcmp(asks_column(asks, i), name) == 0)
            return fail_taken(request, asks, i, feature, err);
    return STATUS_OK;
}

static struct notes feature_notes(const struct selection *selection,
                                  const struct selected_feature *feature, const char *role,
                                  struct arena *arena)
{
    const struct selected_view *selected = &selection->views[feature->view];
    const struct feature_view *view = selected->view;
    struct notes notes = notes_begin(arena, role);
    char ttl[DURATION_TEXT_SIZE];
    note(&notes, "larder.view", view->about.name);
    note(&notes, "larder.feature", view->features[feature->feature].name);
    note(&notes, "larder.alias", selected->alias);
    if (view->ttl_us) {
        duration_format(view->ttl_us, ttl);
        note(&notes, "larder.ttl", arena_text(arena, ttl));
    }
    return notes;
}

static void add_feature(struct training_columns *columns, const struct selection *selection,
                        const struct selected_feature *feature, bool with_status,
                        struct arena *arena)
{
    static const char *const roles[] = {"feature", "status", "event_time"};
    static const char *const suffixes[] = {"", "__status", "__event_time"};
    const value_type types[] = {feature->type, TYPE_STRING, TYPE_TIMESTAMP};
    const struct feature_view *view = selection->views[feature->view].view;
    for (size_t i = 0; i < (with_status ? COUNT_OF(roles) : 1); i++) {
        struct notes notes = feature_notes(selection, feature, roles[i], arena);
        if (i == 0)
            note(&notes, "description", view->features[feature->feature].text);
        columns->columns[columns->schema.column_count++] = (struct table_column){
            .name = arena_printf(arena, "%s%s", feature->name, suffixes[i]),
            .type = types[i],
            .notes = notes.notes,
            .note_count = notes.count,
        };
    }
}

enum status training_columns_make(const struct training_request *request, const struct asks *asks,
                                  struct arena *arena, struct training_columns *columns,
                                  struct error *err)
{
    const struct selection *selection = request->selection;
    size_t asked = asks_column_count(asks);
    size_t width = request->with_status ? 3 : 1;
    size_t room = asked + selection->feature_count * width;
    columns->columns = arena_array(arena, room, sizeof *columns->columns);
    columns->schema = (struct table_schema){.columns = columns->columns};
    add_asked(columns, asks, selection, arena);
    for (size_t i = 0; i < selection->feature_count; i++)
        add_feature(columns, selection, &selection->features[i], request->with_status, arena);
    enum status status = STATUS_OK;
    for (size_t i = asked; i < columns->schema.column_count && !status; i++)
        status = check_name(request, asks, columns->columns[i].name,
                            &selection->features[(i - asked) / width], err);
    return status;
}

void training_columns_set_types(struct training_columns *columns, const struct asks *asks)
{
    for (size_t i = 0; i < asks_column_count(asks); i++)
        columns->columns[i].type = asks_column_type(asks, i);
}
