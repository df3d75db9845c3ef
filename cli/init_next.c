/* init_next.c - see init_next.h. */
#include "cli/init_next.h"

#include "base/csv.h"
#include "config/selection.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { COMMANDS_FIXED = 4 }; /* besides one load for each history */

static void add(struct init_commands *list, const char *text, const char *rest)
{
    list->items[list->count++] = (struct init_command){text, rest};
}

/* A word as a shell reads it. */
static const char *quoted(const char *word, struct arena *arena)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./+:,=@%-";
    if (word[0] && word[strspn(word, plain)] == '\0')
        return word;
    const char *text = "'";
    for (const char *quote; (quote = strchr(word, '\'')); word = quote + 1)
        text = arena_printf(arena, "%s%.*s'\\''", text, (int)(quote - word), word);
    return arena_printf(arena, "%s%s'", text, word);
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat left, right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

/* Whether `larder` alone starts this program. */
static bool is_on_path(const char *program, struct arena *arena)
{
    const char *path = getenv("PATH");
    while (path) {
        size_t size = strcspn(path, ":");
        const char *found = arena_printf(arena, "%.*s/larder", (int)size, path);
        struct stat facts;
        if (stat(found, &facts) == 0 && S_ISREG(facts.st_mode) && (facts.st_mode & 0111))
            return is_same_file(found, program);
        path = path[size] ? path + size + 1 : NULL;
    }
    return false;
}

/* Each shell begins without it. */
static void add_path(struct init_commands *list, struct arena *arena)
{
    const char *program = init_program(arena);
    if (!program || is_on_path(program, arena))
        return;
    struct bytes folder = {program, (size_t)(strrchr(program, '/') - program)};
    add(list, arena_printf(arena, "PATH=%s:$PATH", quoted(arena_text_of(arena, folder), arena)),
        NULL);
}

static bool has_created_times(const struct selection *selection)
{
    for (size_t i = 0; i < selection->view_count; i++)
        if (!selection->views[i].view->source->created_time)
            return false;
    return true;
}

/* "origin=JFK,carrier=AA" of a row; NULL if one of its keys is null. */
static const char *entity_of(const struct csv_field *fields, const size_t *columns,
                             const struct selection *selection, struct arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < selection->key_count; i++) {
        const struct csv_field *field = &fields[columns[i]];
        if (field->is_null)
            return NULL;
        text = arena_printf(arena, "%s%s%s=%.*s", text, i ? "," : "", selection->keys[i].name,
                            (int)field->text.size, (const char *)field->text.data);
    }
    return text;
}

static enum status find_columns(struct csv_reader *reader, const struct selection *selection,
                                size_t *columns, struct error *err)
{
    const struct csv_field *header;
    size_t count, found = 0;
    enum status status = csv_reader_next(reader, &header, &count, err);
    if (status)
        return status;
    csv_reader_expect(reader, count);
    for (size_t key = 0; key < selection->key_count; key++)
        for (size_t i = 0; i < count; i++)
            if (bytes_equal(header[i].text, bytes_of_text(selection->keys[key].name))) {
                columns[key] = i;
                found++;
                break;
            }
    return found == selection->key_count
               ? STATUS_OK
               : fail(err, STATUS_INVALID, "%s:1:1: the header lacks a key of the feature service",
                      csv_reader_name(reader));
}

/* The last row that has all of its keys; NULL if none has. */
static enum status find_entity(const char *path, const struct selection *selection,
                               struct arena *arena, const char **entity, struct error *err)
{
    struct csv_reader *reader = NULL;
    struct arena row_arena;
    arena_init(&row_arena, 0);
    size_t count, *columns = arena_array(arena, selection->key_count + 1, sizeof *columns);
    const struct csv_field *fields;
    struct buffer last;
    buffer_init(&last, 0);
    enum status status = csv_reader_open(path, &reader, err);
    if (!status)
        status = find_columns(reader, selection, columns, err);
    while (!status && !(status = csv_reader_next(reader, &fields, &count, err)) && count) {
        arena_reset(&row_arena);
        const char *text = entity_of(fields, columns, selection, &row_arena);
        if (!text)
            continue;
        buffer_clear(&last);
        buffer_append_text(&last, text);
    }
    *entity = last.size ? arena_text_of(arena, buffer_bytes(&last)) : NULL;
    buffer_release(&last);
    arena_release(&row_arena);
    csv_reader_close(reader);
    return status;
}

/* What a feature service is for: serving, and training. */
static enum status add_service(struct init_commands *list, const struct init_file *asks,
                               const struct definitions *definitions, struct arena *arena,
                               struct error *err)
{
    struct selection selection;
    const char *service = definitions->services[0].about.name, *entity;
    enum status status = selection_of_service(definitions, service, false, arena, &selection, err);
    if (!status)
        status = find_entity(asks->path, &selection, arena, &entity, err);
    if (status)
        return status;
    if (entity)
        add(list, arena_printf(arena, "larder get --service %s", service),
            arena_printf(arena, "--entity %s", quoted(entity, arena)));
    add(list,
        arena_printf(arena, "larder training-set --service %s --entities %s%s", service, asks->name,
                     has_created_times(&selection) ? " --as-known" : ""),
        "--out training.csv");
    return STATUS_OK;
}

static void add_loads(struct init_commands *list, const struct init_template *template,
                      struct arena *arena)
{
    for (size_t i = 0; i < template->file_count; i++) {
        const struct init_file *file = &template->files[i];
        if (file->kind == INIT_HISTORY)
            add(list,
                arena_printf(arena, "larder load --source %s %s", file->source->about.name,
                             file->name),
                NULL);
    }
}

static const struct init_file *find_asks(const struct init_template *template)
{
    for (size_t i = 0; i < template->file_count; i++)
        if (template->files[i].kind == INIT_ASKS)
            return &template->files[i];
    return NULL;
}

static struct init_commands empty_list(size_t capacity, struct arena *arena)
{
    struct init_command *items = arena_array(arena, capacity, sizeof *items);
    return (struct init_commands){items, 0};
}

enum status init_next_of(const struct init_template *template,
                         const struct definitions *definitions, const char *directory,
                         struct arena *arena, struct init_next *next, struct error *err)
{
    const struct init_file *asks = find_asks(template);
    *next = (struct init_next){empty_list(template->file_count + COMMANDS_FIXED, arena),
                               empty_list(COMMANDS_FIXED, arena)};
    add_path(&next->first, arena);
    if (strcmp(directory, ".") != 0)
        add(&next->first, arena_printf(arena, "cd %s", quoted(directory, arena)), NULL);
    add_loads(&next->first, template, arena);
    add(&next->first, "larder apply && larder materialize && larder serve", NULL);
    add_path(&next->while_serving, arena);
    enum status status = STATUS_OK;
    if (asks && definitions->service_count > 0)
        status = add_service(&next->while_serving, asks, definitions, arena, err);
    add(&next->while_serving, "larder status", NULL);
    return status;
}
