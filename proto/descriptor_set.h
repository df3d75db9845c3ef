/*
 * descriptor_set.h - the contracts as protoc describes them, within the program.
 *
 * A google.protobuf.FileDescriptorSet of every contract here and of what they import, each file
 * once. The build makes it; server reflection hands its files out.
 */
#ifndef LARDER_PROTO_DESCRIPTOR_SET_H
#define LARDER_PROTO_DESCRIPTOR_SET_H

#include <stddef.h>

extern const unsigned char proto_descriptor_set[];
extern const size_t proto_descriptor_set_size;

#endif
