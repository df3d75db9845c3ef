/* validate.c - `larder validate`: are the definitions right? Needs no service. */
#include "cli/command.h"

#include <jansson.h>
#include <stdio.h>

static void print_count(size_t count, const char *one, const char *many, const char *end)
{
    printf("%zu %s%s", count, count == 1 ? one : many, end);
}

static int run(const struct options *options)
{
    struct repository repository;
    int code = command_read_repository(options, &repository);
    if (code)
        return code;
    const struct definitions *definitions = &repository.definitions;
    if (options->json)
        return command_print_json(json_pack(
            "{s:s, s:I, s:I, s:I, s:I}", "project", definitions->project, "entities",
            (json_int_t)definitions->entity_count, "sources", (json_int_t)definitions->source_count,
            "feature_views", (json_int_t)definitions->view_count, "feature_services",
            (json_int_t)definitions->service_count));
    printf("project %s is valid: ", definitions->project);
    print_count(definitions->entity_count, "entity", "entities", ", ");
    print_count(definitions->source_count, "source", "sources", ", ");
    print_count(definitions->view_count, "feature view", "feature views", ", ");
    print_count(definitions->service_count, "feature service", "feature services", "\n");
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
