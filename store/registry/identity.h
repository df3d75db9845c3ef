/*
 * identity.h - a registry's random identity: by which the online store knows whose rows it holds.
 *
 * 64 bits, never 0. Registries keep it as a text of hexadecimal digits, which holds all of it in
 * any database.
 */
#ifndef LARDER_STORE_REGISTRY_IDENTITY_H
#define LARDER_STORE_REGISTRY_IDENTITY_H

#include "base/error.h"

#include <stdint.h>

enum { IDENTITY_TEXT_SIZE = 17 };

/* FAILED: the system gives no random numbers. */
enum status identity_make(uint64_t *identity, struct error *err);
const char *identity_format(uint64_t identity, char text[IDENTITY_TEXT_SIZE]);
uint64_t identity_parse(const char *text); /* 0: it is none */

#endif
