/* get.c - `larder get`: what the server would answer a model, for people and scripts. */
#include "base/timestamp.h"
#include "cli/absence.h"
#include "cli/answer.h"
#include "cli/command.h"
#include "cli/entities.h"
#include "cli/notice.h"
#include "cli/references.h"
#include "sdk/c/include/larder/larder.h"

#include <stdio.h>

enum { DEFAULT_TIMEOUT_MS = 5000 };

/* Whom to ask, and how long. */
struct asking {
    const char *target;
    int timeout_ms;
    struct entities entities;
    bool has_settings;
    struct settings settings; /* of this folder, where the server is this folder's, too */
};

static enum status check(const struct options *options, struct error *err)
{
    enum status status = references_check(options, err);
    if (!status && !option_text(options, "--entity"))
        status = fail(err, STATUS_INVALID, "get needs at least one --entity KEY=VALUE");
    return status;
}

static enum status read_options(const struct options *options, struct asking *asking,
                                struct error *err)
{
    asking->timeout_ms = DEFAULT_TIMEOUT_MS;
    enum status status = entities_parse(options, &asking->entities, err);
    if (!status)
        status = option_timeout(options, "--timeout", &asking->timeout_ms, err);
    return status;
}

/*
 * Where the server is, and of which types the keys are. The definitions here may be others than
 * those it serves, or not be here at all: they only help to tell a number from text, and the server
 * judges.
 */
static int read_repository(const struct options *options, struct asking *asking)
{
    struct repository repository;
    struct selection selection;
    struct problems problems;
    struct error err;
    problems_init(&problems, options->arena);
    asking->target = option_text(options, "--server");
    asking->has_settings = !asking->target;
    bool readable = repository_read(options->directory, options->arena, &repository, &problems,
                                    NULL) == STATUS_OK;
    bool typed = readable &&
                 references_select(options, &repository.definitions, &selection, NULL) == STATUS_OK;
    if (!readable && !asking->target) {
        int code = command_read_settings(options, &repository.settings);
        if (code)
            return code;
    }
    if (!asking->target)
        asking->target = repository.settings.server.grpc;
    if (asking->has_settings)
        asking->settings = repository.settings;
    if (entities_type(&asking->entities, typed ? &selection : NULL, options->arena, &err))
        return command_misused(&err);
    return EXIT_DONE;
}

static struct larder_request *make_request(const struct options *options,
                                           const struct entities *entities)
{
    struct larder_request *request = larder_request_new();
    const char *service = option_text(options, "--service");
    size_t count;
    const struct bytes *references = references_split(options, &count);
    if (service)
        larder_request_service(request, service);
    for (size_t i = 0; i < count; i++)
        larder_request_feature(request, arena_text_of(options->arena, references[i]));
    larder_request_full_names(request, option_flag(options, "--full-names"));
    larder_request_event_times(request, true);
    entities_add(entities, request);
    return request;
}

static int tell(const struct options *options, const struct larder_error *err,
                struct larder_client *client)
{
    bool misused = err->result == LARDER_INVALID_ARGUMENT || err->result == LARDER_UNKNOWN_NAME;
    notice(NOTICE_FAILURE, "%s", err->message);
    if (err->result == LARDER_UNAVAILABLE && client && !larder_connected(client))
        notice(NOTICE_HINT, "larder serve starts a server, and --server HOST:PORT asks another");
    if (err->result == LARDER_UNKNOWN_NAME)
        references_hint(options);
    return misused ? EXIT_USAGE : EXIT_FAILED;
}

static void print_answer(const struct options *options, const struct asking *asking,
                         const struct larder_response *response)
{
    answer_print(&asking->entities, response, options->arena);
    absence_explain(options, asking->has_settings ? &asking->settings : NULL, &asking->entities,
                    response);
}

static int ask(const struct options *options, const struct asking *asking,
               struct larder_client *client)
{
    struct larder_error err;
    struct larder_response *response;
    struct larder_request *request = make_request(options, &asking->entities);
    enum larder_result result =
        larder_get_features(client, request, asking->timeout_ms, &response, &err);
    larder_request_free(request);
    if (result != LARDER_OK)
        return tell(options, &err, client);
    int code = EXIT_DONE;
    if (options->json)
        code = answer_print_json(&asking->entities, response);
    else
        print_answer(options, asking, response);
    larder_response_free(response);
    return code;
}

static int run(const struct options *options)
{
    struct asking asking;
    struct error err;
    struct larder_error client_err;
    struct larder_client *client;
    if (read_options(options, &asking, &err))
        return command_misused(&err);
    int code = read_repository(options, &asking);
    if (code)
        return code;
    if (larder_connect(asking.target, NULL, &client, &client_err) != LARDER_OK)
        return tell(options, &client_err, NULL);
    code = ask(options, &asking, client);
    larder_close(client);
    return code;
}

static const struct option_spec get_options[] = {
    REFERENCES_OPTIONS,
    {"--entity", OPTION_TEXTS, "K=V,...", "one entity: a value for each of its join keys"},
    {"--server", OPTION_TEXT, "HOST:PORT", "another server than that of larder.yaml"},
    {"--timeout", OPTION_TEXT, "T", "how long to wait (default: 5s)"},
};

const struct command command_get = {
    .name = "get",
    .summary = "the newest values of some entities, from the server",
    .synopsis = "(--service S | --features V:F,...) --entity K=V[,K=V] ...",
    .text = "Asks a running `larder serve` what it would answer a model:\n"
            "\n"
            "  larder get --service dispatch --entity driver_id=1 --entity driver_id=2\n"
            "  larder get --features weather:wind --entity origin=JFK,carrier=AA\n"
            "\n"
            "STATUS says what is known of a value: PRESENT; NULL_VALUE, the row is there and\n"
            "the value is null; NOT_FOUND, there is no row; OUTSIDE_MAX_AGE, the row is\n"
            "older than the ttl and is withheld. AGE is that of the row behind the value.\n"
            "\n"
            "Keys take their types from the definitions in -C DIR. Without those whole\n"
            "numbers are integers and all else is text. Times are written as\n"
            "2026-01-31T09:30:00Z, bytes as \\x00ff. A comma ends a value only where another\n"
            "KEY= follows it. KEY= alone is a null, which finds nothing; KEY='\"\"' is the\n"
            "empty text.\n"
            "\n"
            "--json prints {\"definitions_version\", \"entities\": [{\"keys\": {...},\n"
            "\"features\": {NAME: {\"value\", \"status\", \"event_time\"}}}]}; value is null\n"
            "unless PRESENT.\n",
    .options = get_options,
    .option_count = COUNT_OF(get_options),
    .check = check,
    .run = run,
};
