/* checksum.c - see checksum.h. */
#include "training/formats/checksum.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 1 << 18 };

struct checksum {
    EVP_MD_CTX *context;
};

/* SHA-256 of bytes in memory fails for want of memory alone. */
static void must(int done)
{
    if (!done)
        out_of_memory();
}

struct checksum *checksum_open(void)
{
    struct checksum *checksum = calloc(1, sizeof *checksum);
    must(checksum && (checksum->context = EVP_MD_CTX_new()));
    must(EVP_DigestInit_ex(checksum->context, EVP_sha256(), NULL));
    return checksum;
}

void checksum_add(struct checksum *checksum, struct bytes bytes)
{
    must(EVP_DigestUpdate(checksum->context, bytes.data, bytes.size));
}

void checksum_finish(struct checksum *checksum, char text[CHECKSUM_TEXT_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    must(EVP_DigestFinal_ex(checksum->context, digest, &size));
    for (size_t i = 0; i < (CHECKSUM_TEXT_SIZE - 1) / 2; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

void checksum_close(struct checksum *checksum)
{
    if (!checksum)
        return;
    EVP_MD_CTX_free(checksum->context);
    free(checksum);
}

void checksum_of_bytes(struct bytes bytes, char text[CHECKSUM_TEXT_SIZE])
{
    struct checksum *checksum = checksum_open();
    checksum_add(checksum, bytes);
    checksum_finish(checksum, text);
    checksum_close(checksum);
}

enum status checksum_of_file(int descriptor, const char *name, uint64_t *size,
                             char text[CHECKSUM_TEXT_SIZE], struct error *err)
{
    struct checksum *checksum = checksum_open();
    char *bytes = malloc(READ_SIZE);
    must(bytes != NULL);
    enum status status = STATUS_OK;
    *size = 0;
    for (;;) {
        ssize_t got = pread(descriptor, bytes, READ_SIZE, (off_t)*size);
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = fail(err, STATUS_FAILED, "%s: %s", name, strerror(errno));
            break;
        }
        checksum_add(checksum, (struct bytes){bytes, (size_t)got});
        *size += (uint64_t)got;
    }
    checksum_finish(checksum, text);
    checksum_close(checksum);
    free(bytes);
    return status;
}
