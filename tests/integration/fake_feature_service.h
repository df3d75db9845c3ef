/*
 * fake_feature_service.h - a gRPC server that answers FeatureService/GetFeatures as a test wants.
 *
 * It listens on a loopback port and answers one call at a time, in a thread of its own, which asks
 * the test's function what to say. Calls of other methods are left to gRPC.
 */
#ifndef LARDER_TESTS_FAKE_FEATURE_SERVICE_H
#define LARDER_TESTS_FAKE_FEATURE_SERVICE_H

#include <stddef.h>
#include <stdint.h>

struct fake_feature_service;

/* What to say; all zero is OK without a message. */
struct fake_answer {
    int code;          /* a gRPC status code */
    const char *words; /* of the status; may be NULL */
    uint8_t *bytes;    /* the message, freed with free() once sent; NULL: none */
    size_t size;
    int delay_ms; /* before it is sent */
};

typedef struct fake_answer fake_answer_function(void *context, const uint8_t *request, size_t size);

/* port 0: any free one. NULL if it cannot listen. */
struct fake_feature_service *fake_feature_service_start(int port, fake_answer_function *answer,
                                                        void *context);
int fake_feature_service_port(const struct fake_feature_service *service);
/* Cancels what runs, and waits for the thread. */
void fake_feature_service_stop(struct fake_feature_service *service);

#endif
