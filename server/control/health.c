/* health.c - see health.h. */
#include "server/control/health.h"

#include "server/answer/wire.h"

enum { REQUEST_SERVICE = 1, RESPONSE_STATUS = 1 };

static enum health_subject subject_named(struct bytes name)
{
    static const struct {
        const char *name;
        enum health_subject subject;
    } subjects[] = {
        {"", HEALTH_OF_PROCESS},
        {"grpc.health.v1.Health", HEALTH_OF_PROCESS},
        {"grpc.reflection.v1.ServerReflection", HEALTH_OF_PROCESS},
        {"grpc.reflection.v1alpha.ServerReflection", HEALTH_OF_PROCESS},
        {"larder.v1.FeatureService", HEALTH_OF_FEATURES},
        {"feast.serving.ServingService", HEALTH_OF_FEATURES},
    };
    for (size_t i = 0; i < COUNT_OF(subjects); i++)
        if (bytes_equal(bytes_of_text(subjects[i].name), name))
            return subjects[i].subject;
    return HEALTH_OF_NOTHING;
}

enum status health_read(struct bytes request, enum health_subject *subject, struct error *err)
{
    struct bytes service = {"", 0};
    struct wire_reader reader = wire_read(request);
    struct wire_field field;
    while (wire_next(&reader, &field))
        if (field.number == REQUEST_SERVICE && wire_expect(&reader, &field, WIRE_BYTES))
            service = field.bytes;
    if (reader.failed)
        return fail(err, STATUS_INVALID, "the request is no valid HealthCheckRequest");
    *subject = subject_named(service);
    return STATUS_OK;
}

enum health health_of(enum health_subject subject, enum store_state store, bool is_stopping)
{
    if (subject == HEALTH_OF_NOTHING)
        return HEALTH_SERVICE_UNKNOWN;
    if (is_stopping)
        return HEALTH_NOT_SERVING;
    return subject == HEALTH_OF_PROCESS || store == STORE_READY ? HEALTH_SERVING
                                                                : HEALTH_NOT_SERVING;
}

struct bytes health_write(enum health health, uint8_t response[HEALTH_RESPONSE_SIZE])
{
    response[0] = RESPONSE_STATUS << 3 | WIRE_VARINT;
    response[1] = (uint8_t)health;
    return (struct bytes){response, HEALTH_RESPONSE_SIZE};
}
