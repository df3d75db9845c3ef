/*
 * descriptor_set.h - files and names in a google.protobuf.FileDescriptorSet.
 *
 * A few files of a few thousand bytes: a look-up walks them, going down only where the name leads,
 * and nothing is kept. The set is the build's own and taken as whole; the names that are looked for
 * may be any bytes. What is handed out is borrowed from the set.
 */
#ifndef LARDER_SERVER_CONTROL_DESCRIPTOR_SET_H
#define LARDER_SERVER_CONTROL_DESCRIPTOR_SET_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

enum { DESCRIPTOR_FILES_MAX = 32, DESCRIPTOR_SERVICES_MAX = 32 };

/* What a name belongs to. DESCRIPTOR_MEMBER: a method, field, oneof, enum value or extension. */
enum descriptor_kind {
    DESCRIPTOR_FILE,
    DESCRIPTOR_MESSAGE,
    DESCRIPTOR_ENUM,
    DESCRIPTOR_SERVICE,
    DESCRIPTOR_MEMBER,
};

struct descriptor_service {
    struct bytes package, name;
};

/* A FileDescriptorProto by its file's name, or absent. */
struct bytes descriptor_set_file(struct bytes set, struct bytes name);
/* The FileDescriptorProto in which a full name, such as larder.v1.FeatureService, is declared, and
 * what it is there; or absent. An enum's values stand beside it, as protobuf has it. */
struct bytes descriptor_set_file_of(struct bytes set, struct bytes symbol,
                                    enum descriptor_kind *kind);
/* The file and all that it imports, itself first, each once. How many there are. */
size_t descriptor_set_with_imports(struct bytes set, struct bytes file,
                                   struct bytes files[DESCRIPTOR_FILES_MAX]);
/* How many services all files declare. */
size_t descriptor_set_services(struct bytes set,
                               struct descriptor_service services[DESCRIPTOR_SERVICES_MAX]);

#endif
