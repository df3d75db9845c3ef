/*
 * get_features.c - asks a Larder server for the features of one entity and prints them.
 *
 * Builds with CMake (CMakeLists.txt beside it) or in one line:
 *
 *     cc get_features.c $(pkg-config --cflags --libs larder) -o get_features
 */
#include <larder/larder.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: get_features HOST:PORT SERVICE KEY=TEXT|KEY:=INTEGER...\n"
                            "\n"
                            "Prints the features of one entity, as in\n"
                            "    get_features 127.0.0.1:6566 delay_model origin=JFK flight:=117\n";

/* Adds KEY=TEXT or KEY:=INTEGER to the request; cuts the word up to do so. */
static int add_key(struct larder_request *request, char *word)
{
    char *equals = strchr(word, '=');
    if (!equals || equals == word)
        return -1;
    *equals = '\0';
    if (equals[-1] == ':') {
        char *end;
        equals[-1] = '\0';
        long long value = strtoll(equals + 1, &end, 10);
        larder_request_add_int(request, word, value);
        return *end == '\0' && end != equals + 1 ? 0 : -1;
    }
    larder_request_add_string(request, word, equals + 1);
    return 0;
}

static void print_value(const struct larder_response *response, size_t column)
{
    bool truth;
    int64_t integer;
    double number;
    const void *data;
    size_t size;
    if (larder_response_bool(response, 0, column, &truth) == LARDER_PRESENT)
        printf("%s\n", truth ? "true" : "false");
    else if (larder_response_int(response, 0, column, &integer) == LARDER_PRESENT)
        printf("%" PRId64 "\n", integer);
    else if (larder_response_double(response, 0, column, &number) == LARDER_PRESENT)
        printf("%.17g\n", number);
    else if (larder_response_timestamp(response, 0, column, &integer) == LARDER_PRESENT)
        printf("%" PRId64 " us\n", integer);
    else if (larder_response_bytes(response, 0, column, &data, &size) == LARDER_PRESENT)
        printf("%.*s\n", (int)size, (const char *)data);
    else if (larder_response_list_size(response, 0, column, &size) == LARDER_PRESENT)
        printf("a list of %zu\n", size);
    else
        printf("%s\n", larder_status_name(larder_response_status(response, 0, column)));
}

static int ask(struct larder_client *client, const struct larder_request *request)
{
    struct larder_error err;
    struct larder_response *response;
    if (larder_get_features(client, request, 1000, &response, &err) != LARDER_OK) {
        fprintf(stderr, "get_features: %s: %s\n", larder_result_name(err.result), err.message);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < larder_response_column_count(response); i++) {
        printf("%-30s ", larder_response_name(response, i));
        print_value(response, i);
    }
    larder_response_free(response);
    return EXIT_SUCCESS;
}

int main(int count, char **words)
{
    if (count == 2 && strcmp(words[1], "--help") == 0) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    if (count < 4) {
        fputs(usage, stderr);
        return 2;
    }
    struct larder_error err;
    struct larder_client *client;
    if (larder_connect(words[1], NULL, &client, &err) != LARDER_OK) {
        fprintf(stderr, "get_features: %s\n", err.message);
        return 2;
    }
    int code = EXIT_SUCCESS;
    struct larder_request *request = larder_request_new();
    larder_request_service(request, words[2]);
    for (int i = 3; i < count && code == EXIT_SUCCESS; i++)
        if (add_key(request, words[i]) != 0) {
            fprintf(stderr, "get_features: not KEY=TEXT or KEY:=INTEGER: %s\n", words[i]);
            code = 2;
        }
    if (code == EXIT_SUCCESS)
        code = ask(client, request);
    larder_request_free(request);
    larder_close(client);
    return code;
}
