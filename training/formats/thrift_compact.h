/*
 * thrift_compact.h - structs in Thrift's compact protocol, in which Parquet describes itself.
 *
 * Called by the Parquet writer alone; only the shapes that its metadata has. Fields are written in
 * the order of their ids; what a caller leaves out is absent. A list is its header, then exactly
 * that many elements. Nothing can fail: bytes go to a buffer without a maximum.
 */
#ifndef LARDER_TRAINING_FORMATS_THRIFT_COMPACT_H
#define LARDER_TRAINING_FORMATS_THRIFT_COMPACT_H

#include "base/buffer.h"

enum thrift_type { THRIFT_I32 = 5, THRIFT_BINARY = 8, THRIFT_LIST = 9, THRIFT_STRUCT = 12 };
enum { THRIFT_DEPTH_MAX = 8 };

struct thrift {
    struct buffer *out;         /* borrowed */
    int last[THRIFT_DEPTH_MAX]; /* the last field's id of each struct that is open */
    int depth;
};

/* A struct that stands alone, or as an element of a list. */
void thrift_begin(struct thrift *thrift, struct buffer *out);
void thrift_end(struct thrift *thrift);

void thrift_bool(struct thrift *thrift, int id, bool flag);
void thrift_i32(struct thrift *thrift, int id, int32_t number);
void thrift_i64(struct thrift *thrift, int id, int64_t number);
void thrift_binary(struct thrift *thrift, int id, struct bytes bytes);
void thrift_text(struct thrift *thrift, int id, const char *text);
/* A field that is a struct: its fields, then thrift_end. */
void thrift_struct(struct thrift *thrift, int id);
/* A struct without fields, of which a union is often made. */
void thrift_empty(struct thrift *thrift, int id);

void thrift_list(struct thrift *thrift, int id, enum thrift_type element, size_t count);
void thrift_element_struct(struct thrift *thrift); /* its fields, then thrift_end */
void thrift_element_i32(struct thrift *thrift, int32_t number);
void thrift_element_text(struct thrift *thrift, const char *text);

/* Unsigned, seven bits a byte, the least first: Parquet has it outside of Thrift, too. */
void varint_append(struct buffer *out, uint64_t number);

#endif
