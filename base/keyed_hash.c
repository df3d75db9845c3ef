/* keyed_hash.c - see keyed_hash.h. */
#include "base/keyed_hash.h"

#include "base/byte_order.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

struct hash_secret hash_secret_draw(void)
{
    struct hash_secret secret;
    /* So few bytes come whole, once the system has started. */
    if (getrandom(&secret, sizeof secret, 0) != (ssize_t)sizeof secret) {
        fputs("larder: the system gives no random bytes\n", stderr);
        abort();
    }
    return secret;
}

struct state {
    uint64_t a, b, c, d;
};

static inline uint64_t rotated(uint64_t number, int bits)
{
    return number << bits | number >> (64 - bits);
}

static inline void stir(struct state *s)
{
    s->a += s->b;
    s->c += s->d;
    s->b = rotated(s->b, 13) ^ s->a;
    s->d = rotated(s->d, 16) ^ s->c;
    s->a = rotated(s->a, 32);
    s->c += s->b;
    s->a += s->d;
    s->b = rotated(s->b, 17) ^ s->c;
    s->d = rotated(s->d, 21) ^ s->a;
    s->c = rotated(s->c, 32);
}

static inline void take_word(struct state *s, uint64_t word)
{
    s->d ^= word;
    stir(s);
    s->a ^= word;
}

/* What is left behind the last whole word, and the size above it. */
static inline uint64_t last_word(const uint8_t *rest, size_t size)
{
    uint64_t word = (uint64_t)size << 56;
    for (size_t i = size % 8; i > 0; i--)
        word |= (uint64_t)rest[i - 1] << 8 * (i - 1);
    return word;
}

uint64_t keyed_hash(const struct hash_secret *secret, struct bytes bytes)
{
    uint64_t k0 = secret->halves[0], k1 = secret->halves[1];
    struct state s = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                      k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
    const uint8_t *at = bytes.data;
    for (size_t left = bytes.size; left >= 8; left -= 8, at += 8)
        take_word(&s, load_le64(at));
    take_word(&s, last_word(at, bytes.size));
    s.c ^= 0xff;
    for (int i = 0; i < 3; i++)
        stir(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}
