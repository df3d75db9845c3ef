/* validate.c - `larder validate`: are the definitions right? Needs no service. */
#include "cli/command.h"
#include "cli/notice.h"

#include <jansson.h>
#include <stdio.h>

static const char *count_text(size_t count, const char *one, const char *many, struct arena *arena)
{
    return arena_printf(arena, "%zu %s", count, count == 1 ? one : many);
}

static void print_valid(const struct definitions *definitions, struct arena *arena)
{
    printf("project %s is valid:\n  %s, %s, %s, %s\n", definitions->project,
           count_text(definitions->entity_count, "entity", "entities", arena),
           count_text(definitions->source_count, "source", "sources", arena),
           count_text(definitions->view_count, "feature view", "feature views", arena),
           count_text(definitions->service_count, "feature service", "feature services", arena));
    if (definitions->view_count == 0)
        notice(NOTICE_HINT, "no feature view is defined: definitions stand in *.yaml files beside "
                            "larder.yaml");
}

static json_t *problem_to_json(const struct problem *problem)
{
    const struct place *place = &problem->place;
    json_t *json = json_pack("{s:s?}", "file", place->file);
    json_object_set_new(json, "line",
                        place->line ? json_integer((json_int_t)place->line) : json_null());
    json_object_set_new(json, "column", place->line ? json_integer(place->column) : json_null());
    json_object_set_new(json, "text", json_string(problem->text));
    return json;
}

/* definitions: empty where there are problems, but for the project. */
static int print_json(const struct definitions *definitions, const struct problems *problems)
{
    json_t *list = json_array();
    for (size_t i = 0; i < problems->count; i++)
        json_array_append_new(list, problem_to_json(&problems->items[i]));
    return command_print_json(json_pack(
        "{s:b, s:s?, s:I, s:I, s:I, s:I, s:o}", "valid", problems->count == 0, "project",
        definitions->project, "entities", (json_int_t)definitions->entity_count, "sources",
        (json_int_t)definitions->source_count, "feature_views", (json_int_t)definitions->view_count,
        "feature_services", (json_int_t)definitions->service_count, "problems", list));
}

static int tell_invalid(const struct options *options, struct problems *problems,
                        const struct error *err)
{
    const struct definitions nothing = {0};
    int code = command_tell_problems(problems, err);
    if (problems->count == 0)
        problems_add(problems, (struct place){0}, "%s", err->message);
    int printed = options->json ? print_json(&nothing, problems) : EXIT_DONE;
    return printed ? printed : code;
}

static int run(const struct options *options)
{
    struct repository repository;
    struct problems problems;
    struct error err;
    problems_init(&problems, options->arena);
    if (repository_read(options->directory, options->arena, &repository, &problems, &err))
        return tell_invalid(options, &problems, &err);
    if (options->json)
        return print_json(&repository.definitions, &problems);
    print_valid(&repository.definitions, options->arena);
    return EXIT_DONE;
}

const struct command command_validate = {
    .name = "validate",
    .summary = "check the definitions; no service needed",
    .synopsis = "[-C DIR]",
    .text = "Reads larder.yaml and every other *.yaml of the repository and tells every\n"
            "mistake with its file, line and column. Whether the tables and columns are\n"
            "there is what larder plan looks at.\n",
    .run = run,
};
