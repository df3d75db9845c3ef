/* identity.c - see identity.h. */
#include "store/registry/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum status identity_make(uint64_t *identity, struct error *err)
{
    *identity = 0;
    while (*identity == 0)
        if (getrandom(identity, sizeof *identity, 0) != (ssize_t)sizeof *identity)
            return fail(err, STATUS_FAILED, "the system gives no random numbers");
    return STATUS_OK;
}

const char *identity_format(uint64_t identity, char text[IDENTITY_TEXT_SIZE])
{
    snprintf(text, IDENTITY_TEXT_SIZE, "%016" PRIx64, identity);
    return text;
}

uint64_t identity_parse(const char *text)
{
    return text ? strtoull(text, NULL, 16) : 0;
}
