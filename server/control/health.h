/*
 * health.h - what grpc.health.v1.Health says, without gRPC: proto/grpc/health/v1/health.proto.
 */
#ifndef LARDER_SERVER_CONTROL_HEALTH_H
#define LARDER_SERVER_CONTROL_HEALTH_H

#include "base/bytes.h"
#include "base/error.h"
#include "server/store_watch.h"

#include <stdbool.h>
#include <stdint.h>

/* The numbers of HealthCheckResponse.ServingStatus. */
enum health {
    HEALTH_SERVING = 1,
    HEALTH_NOT_SERVING = 2,
    HEALTH_SERVICE_UNKNOWN = 3,
};

/* A service that can be asked about. */
enum health_subject {
    HEALTH_OF_PROCESS,  /* the empty name, and this service's own */
    HEALTH_OF_FEATURES, /* those that need the online store */
    HEALTH_OF_NOTHING,  /* no such service */
};

/* INVALID: no HealthCheckRequest. */
enum status health_read(struct bytes request, enum health_subject *subject, struct error *err);
enum health health_of(enum health_subject subject, enum store_state store, bool is_stopping);

enum { HEALTH_RESPONSE_SIZE = 2 };
struct bytes health_write(enum health health, uint8_t response[HEALTH_RESPONSE_SIZE]);

#endif
