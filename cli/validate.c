/* validate.c - `larder validate`: are the definitions right? Needs no service. */
#include "cli/command.h"

#include <jansson.h>
#include <stdio.h>

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
    printf("project %s is valid: %zu entities, %zu sources, %zu feature views, "
           "%zu feature services\n",
           definitions->project, definitions->entity_count, definitions->source_count,
           definitions->view_count, definitions->service_count);
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
