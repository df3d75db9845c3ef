/* describe.c - `larder describe NAME`: one object in full. */
#include "base/timestamp.h"
#include "cli/applied.h"
#include "cli/notice.h"
#include "cli/screen.h"
#include "cli/table.h"
#include "config/definitions_json.h"
#include "config/difference.h"
#include "config/selection.h"
#include "config/wording.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { INDENT = 2 };

/* {"kind", "definition": as it stands in the YAML, "keys": what a request carries, "columns": what
 * comes back}; takes all over. */
static int print_json(enum object_kind kind, json_t *definition, json_t *keys, json_t *columns)
{
    return command_print_json(json_pack("{s:s, s:o, s:o, s:o}", "kind", object_kind_name(kind),
                                        "definition", definition, "keys", keys, "columns",
                                        columns));
}

static void add_key(json_t *keys, const char *name, value_type type)
{
    json_array_append_new(keys, json_pack("{s:s, s:s}", "name", name, "type", type_name(type)));
}

static void add_column(json_t *columns, const char *name, const struct feature_view *view,
                       const struct feature *feature)
{
    json_array_append_new(columns, json_pack("{s:s, s:s, s:s, s:s}", "name", name, "type",
                                             type_name(feature->type), "view", view->about.name,
                                             "feature", feature->name));
}

static json_t *keys_of_selection(const struct selection *selection)
{
    json_t *keys = json_array();
    for (size_t i = 0; i < selection->key_count; i++)
        add_key(keys, selection->keys[i].name, selection->keys[i].type);
    return keys;
}

static json_t *columns_of_selection(const struct selection *selection)
{
    json_t *columns = json_array();
    for (size_t i = 0; i < selection->feature_count; i++) {
        const struct selected_feature *selected = &selection->features[i];
        const struct feature_view *view = selection->views[selected->view].view;
        add_column(columns, selected->name, view, &view->features[selected->feature]);
    }
    return columns;
}

static json_t *keys_of_entity(const struct entity *entity)
{
    json_t *keys = json_array();
    for (size_t i = 0; i < entity->key_count; i++)
        add_key(keys, entity->keys[i].name, entity->keys[i].type);
    return keys;
}

static json_t *keys_of_view(const struct feature_view *view)
{
    json_t *keys = json_array();
    for (size_t i = 0; i < view->key_count; i++)
        add_key(keys, view->keys[i].name, view->keys[i].type);
    return keys;
}

static json_t *columns_of_view(const struct feature_view *view)
{
    json_t *columns = json_array();
    for (size_t i = 0; i < view->feature_count; i++)
        add_column(columns, view->features[i].name, view, &view->features[i]);
    return columns;
}

static void print_about(const char *kind, const struct description *about)
{
    printf("%s %s\n", kind, about->name);
    if (about->text) {
        printf("  ");
        text_wrap(stdout, about->text, INDENT, INDENT, "");
    }
    if (about->owner)
        printf("  owner: %s\n", about->owner);
    for (size_t i = 0; i < about->tag_count; i++)
        printf("  tag %s: %s\n", about->tags[i].name, about->tags[i].value);
}

/* As it was written, line by line. */
static void print_query(const char *query)
{
    printf("  query:\n");
    while (*query) {
        size_t size = strcspn(query, "\n");
        printf("    %.*s\n", (int)size, query);
        query += size + (query[size] == '\n');
    }
}

static int describe_entity(const struct options *options, const struct entity *entity)
{
    if (options->json)
        return print_json(OBJECT_ENTITY, entity_to_json(entity), keys_of_entity(entity),
                          json_array());
    print_about("entity", &entity->about);
    for (size_t i = 0; i < entity->key_count; i++)
        printf("  join key %s: %s\n", entity->keys[i].name, type_name(entity->keys[i].type));
    return EXIT_DONE;
}

static int describe_source(const struct options *options, const struct source *source)
{
    if (options->json)
        return print_json(OBJECT_SOURCE, source_to_json(source), json_array(), json_array());
    char lookback[DURATION_TEXT_SIZE];
    duration_format(source->lookback_us, lookback);
    print_about("source", &source->about);
    if (source->table)
        printf("  table: %s\n", source->table);
    else
        print_query(source->query);
    printf("  event time: %s\n", source->event_time);
    printf("  created time: %s\n", source->created_time ? source->created_time : "-");
    printf("  lookback: %s\n", lookback);
    printf("  misfits: %s\n", source->misfits == MISFITS_STOP ? "stop" : "as_null");
    for (size_t i = 0; i < source->field_count; i++)
        printf("  field %s: column %s\n", source->fields[i].name, source->fields[i].column);
    return EXIT_DONE;
}

static int describe_view(const struct options *options, const struct feature_view *view)
{
    if (options->json)
        return print_json(OBJECT_FEATURE_VIEW, feature_view_to_json(view), keys_of_view(view),
                          columns_of_view(view));
    char ttl[DURATION_TEXT_SIZE] = "none: never too old";
    if (view->ttl_us)
        duration_format(view->ttl_us, ttl);
    print_about("feature view", &view->about);
    for (size_t i = 0; i < view->entity_count; i++)
        printf("  entity: %s\n", view->entities[i]->about.name);
    printf("  source: %s\n  ttl: %s\n  online: %s\n", view->source->about.name, ttl,
           view->online ? "true" : "false");
    for (size_t i = 0; i < view->key_count; i++)
        printf("  join key %s: %s\n", view->keys[i].name, type_name(view->keys[i].type));
    printf("  features:\n");
    struct table table;
    table_init(&table, options->arena, 3, NULL, NULL);
    table.wraps = true;
    for (size_t i = 0; i < view->feature_count; i++) {
        const struct feature *feature = &view->features[i];
        const char *const cells[] = {feature->name, type_name(feature->type),
                                     feature->text ? feature->text : ""};
        table_add(&table, cells);
    }
    table_print(&table, stdout, "    ");
    return EXIT_DONE;
}

/* "carrier_delays:mean_delay, origin from other_origin" */
static const char *origin_text(const struct selection *selection,
                               const struct selected_feature *feature, struct arena *arena)
{
    const struct selected_view *use = &selection->views[feature->view];
    const struct feature_view *view = use->view;
    const char *text =
        arena_printf(arena, "%s:%s", view->about.name, view->features[feature->feature].name);
    for (size_t i = 0; i < view->key_count; i++) {
        const char *from = selection->keys[use->asked_keys[i]].name;
        if (strcmp(from, view->keys[i].name) != 0)
            text = arena_printf(arena, "%s, %s from %s", text, view->keys[i].name, from);
    }
    return text;
}

/* What a caller needs to know: which keys to send, and which columns come back. */
static int describe_service(const struct options *options, const struct definitions *definitions,
                            const struct feature_service *service)
{
    struct selection selection;
    struct error err;
    if (selection_of_service(definitions, service->about.name, false, options->arena, &selection,
                             &err))
        return command_failed(&err);
    if (options->json)
        return print_json(OBJECT_FEATURE_SERVICE, feature_service_to_json(service),
                          keys_of_selection(&selection), columns_of_selection(&selection));
    print_about("feature service", &service->about);
    for (size_t i = 0; i < selection.key_count; i++)
        printf("  asks for %s: %s\n", selection.keys[i].name, type_name(selection.keys[i].type));
    printf("  gives:\n");
    struct table table;
    table_init(&table, options->arena, 3, NULL, NULL);
    table.wraps = true;
    for (size_t i = 0; i < selection.feature_count; i++) {
        const struct selected_feature *feature = &selection.features[i];
        const char *const cells[] = {feature->name, type_name(feature->type),
                                     origin_text(&selection, feature, options->arena)};
        table_add(&table, cells);
    }
    table_print(&table, stdout, "    ");
    return EXIT_DONE;
}

static const char **all_names(const struct definitions *definitions, struct arena *arena,
                              size_t *count)
{
    size_t most = definitions->entity_count + definitions->source_count + definitions->view_count +
                  definitions->service_count;
    const char **names = arena_array(arena, most + 1, sizeof *names);
    *count = 0;
    for (size_t i = 0; i < definitions->view_count; i++)
        names[(*count)++] = definitions->views[i].about.name;
    for (size_t i = 0; i < definitions->service_count; i++)
        names[(*count)++] = definitions->services[i].about.name;
    for (size_t i = 0; i < definitions->source_count; i++)
        names[(*count)++] = definitions->sources[i].about.name;
    for (size_t i = 0; i < definitions->entity_count; i++)
        names[(*count)++] = definitions->entities[i].about.name;
    return names;
}

/* The first; NULL if none has it. */
static const struct feature_view *view_with_feature(const struct definitions *definitions,
                                                    const char *name)
{
    for (size_t i = 0; i < definitions->view_count; i++)
        for (size_t j = 0; j < definitions->views[i].feature_count; j++)
            if (strcmp(definitions->views[i].features[j].name, name) == 0)
                return &definitions->views[i];
    return NULL;
}

static int unknown_name(const struct options *options, const struct definitions *definitions,
                        const char *name)
{
    size_t count;
    const char **names = all_names(definitions, options->arena, &count);
    const char *near = did_you_mean(options->arena, name, names, count);
    notice(NOTICE_FAILURE, "nothing called %s is applied%s", quoted(options->arena, name), near);
    const struct feature_view *view = view_with_feature(definitions, name);
    if (view)
        notice(NOTICE_HINT, "%s is a feature of %s, which larder describe %s shows", name,
               view->about.name, view->about.name);
    else if (!*near)
        notice(NOTICE_HINT, "larder list shows what is applied");
    return EXIT_USAGE;
}

/* Whether a further object of that name is shown: in text each behind an empty line. */
static bool begins(const struct options *options, size_t *shown)
{
    if (*shown > 0 && options->json)
        return false;
    if ((*shown)++ > 0)
        printf("\n");
    return true;
}

/* Objects of different kinds may share a name. A program gets one, of the most used kind. */
static int describe(const struct options *options, const struct definitions *definitions,
                    const char *name)
{
    const struct feature_view *view = definitions_view(definitions, name);
    const struct feature_service *service = definitions_service(definitions, name);
    const struct source *source = definitions_source(definitions, name);
    const struct entity *entity = definitions_entity(definitions, name);
    int code = EXIT_DONE;
    size_t shown = 0;
    if (view && begins(options, &shown))
        code = describe_view(options, view);
    if (service && !code && begins(options, &shown))
        code = describe_service(options, definitions, service);
    if (source && !code && begins(options, &shown))
        code = describe_source(options, source);
    if (entity && !code && begins(options, &shown))
        code = describe_entity(options, entity);
    return shown ? code : unknown_name(options, definitions, name);
}

static int run(const struct options *options)
{
    struct applied applied;
    int code = applied_open(options, &applied);
    if (code)
        return code;
    code = describe(options, &applied.catalog.definitions, options->words[0]);
    applied_close(&applied);
    return code;
}

const struct command command_describe = {
    .name = "describe",
    .summary = "one feature view, service, source or entity in full",
    .synopsis = "[-C DIR] NAME",
    .text = "For a feature service: the join keys that a request has to carry, and the\n"
            "columns that come back. Where a name stands for several objects all are shown:\n"
            "the feature view, the feature service, the source, the entity; with --json the\n"
            "first of them.\n",
    .least_words = 1,
    .most_words = 1,
    .word = "NAME, which larder list shows",
    .run = run,
};
