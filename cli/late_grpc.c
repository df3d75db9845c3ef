/*
 * late_grpc.c - gRPC core, loaded by the first call of it instead of with the program.
 *
 * It comes with 47 libraries more, which take the dynamic loader longer than all others together
 * (docs/benchmarks.md): a command that neither serves nor asks a server does not need them, and the
 * server reads its definitions meanwhile. The functions here have gRPC's names and are in the
 * program `larder` alone; whoever links Larder's C client links gRPC itself. Where the library
 * cannot be loaded, the program ends and says so, as it would have before main.
 *
 * A function that is missing here makes the linker take the library after all, which a test sees.
 */
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Which gRPC declares in the way of C++. */
grpc_channel_credentials *grpc_insecure_credentials_create(void);
grpc_server_credentials *grpc_insecure_server_credentials_create(void);

/* FUNCTION(type, name, parameters, arguments); ROUTINE: one of type void. */
// clang-format off
#define CALLS                                                                                      \
    ROUTINE(gpr_free, (void *ptr), (ptr))                                                          \
    FUNCTION(gpr_timespec, gpr_inf_future, (gpr_clock_type type), (type))                          \
    FUNCTION(gpr_timespec, gpr_inf_past, (gpr_clock_type type), (type))                            \
    FUNCTION(gpr_timespec, gpr_now, (gpr_clock_type clock), (clock))                               \
    ROUTINE(gpr_set_log_function, (gpr_log_func func), (func))                                     \
    ROUTINE(gpr_set_log_verbosity,                                                                 \
            (gpr_log_severity min_severity_to_print), (min_severity_to_print))                     \
    FUNCTION(gpr_timespec, gpr_time_add, (gpr_timespec a, gpr_timespec b), (a, b))                 \
    FUNCTION(gpr_timespec, gpr_time_from_micros,                                                   \
            (int64_t us, gpr_clock_type clock_type), (us, clock_type))                             \
    FUNCTION(gpr_timespec, gpr_time_from_millis,                                                   \
            (int64_t ms, gpr_clock_type clock_type), (ms, clock_type))                             \
    FUNCTION(gpr_timespec, gpr_time_min, (gpr_timespec a, gpr_timespec b), (a, b))                 \
    ROUTINE(grpc_byte_buffer_destroy, (grpc_byte_buffer *bb), (bb))                                \
    FUNCTION(size_t, grpc_byte_buffer_length, (grpc_byte_buffer *bb), (bb))                        \
    ROUTINE(grpc_byte_buffer_reader_destroy, (grpc_byte_buffer_reader *reader), (reader))          \
    FUNCTION(int, grpc_byte_buffer_reader_init,                                                    \
            (grpc_byte_buffer_reader *reader, grpc_byte_buffer *buffer), (reader, buffer))         \
    FUNCTION(int, grpc_byte_buffer_reader_peek,                                                    \
            (grpc_byte_buffer_reader *reader, grpc_slice **slice), (reader, slice))                \
    FUNCTION(grpc_slice, grpc_byte_buffer_reader_readall,                                          \
            (grpc_byte_buffer_reader *reader), (reader))                                           \
    FUNCTION(grpc_call_error, grpc_call_cancel,                                                    \
            (grpc_call *call, void *reserved), (call, reserved))                                   \
    ROUTINE(grpc_call_details_destroy, (grpc_call_details *details), (details))                    \
    ROUTINE(grpc_call_details_init, (grpc_call_details *details), (details))                       \
    FUNCTION(char *, grpc_call_get_peer, (grpc_call *call), (call))                                \
    FUNCTION(grpc_call_error, grpc_call_start_batch,                                               \
            (grpc_call *call, const grpc_op *ops, size_t nops, void *tag, void *reserved),         \
            (call, ops, nops, tag, reserved))                                                      \
    ROUTINE(grpc_call_unref, (grpc_call *call), (call))                                            \
    FUNCTION(grpc_connectivity_state, grpc_channel_check_connectivity_state,                       \
            (grpc_channel *channel, int try_to_connect), (channel, try_to_connect))                \
    FUNCTION(grpc_channel *, grpc_channel_create,                                                  \
            (const char *target, grpc_channel_credentials *creds,                                  \
            const grpc_channel_args *args),                                                        \
            (target, creds, args))                                                                 \
    FUNCTION(grpc_call *, grpc_channel_create_call,                                                \
            (grpc_channel *channel, grpc_call *parent_call, uint32_t propagation_mask,             \
            grpc_completion_queue *completion_queue, grpc_slice method, const grpc_slice *host,    \
            gpr_timespec deadline, void *reserved),                                                \
            (channel, parent_call, propagation_mask, completion_queue, method,                     \
            host, deadline, reserved))                                                             \
    ROUTINE(grpc_channel_credentials_release, (grpc_channel_credentials *creds), (creds))          \
    ROUTINE(grpc_channel_destroy, (grpc_channel *channel), (channel))                              \
    FUNCTION(grpc_completion_queue *, grpc_completion_queue_create,                                \
            (const grpc_completion_queue_factory *factory,                                         \
            const grpc_completion_queue_attributes *attributes, void *reserved),                   \
            (factory, attributes, reserved))                                                       \
    FUNCTION(grpc_completion_queue *, grpc_completion_queue_create_for_next,                       \
            (void *reserved), (reserved))                                                          \
    FUNCTION(grpc_completion_queue *, grpc_completion_queue_create_for_pluck,                      \
            (void *reserved), (reserved))                                                          \
    ROUTINE(grpc_completion_queue_destroy, (grpc_completion_queue *cq), (cq))                      \
    FUNCTION(const grpc_completion_queue_factory *, grpc_completion_queue_factory_lookup,          \
            (const grpc_completion_queue_attributes *attributes), (attributes))                    \
    FUNCTION(grpc_event, grpc_completion_queue_next,                                               \
            (grpc_completion_queue *cq, gpr_timespec deadline, void *reserved),                    \
            (cq, deadline, reserved))                                                              \
    FUNCTION(grpc_event, grpc_completion_queue_pluck,                                              \
            (grpc_completion_queue *cq, void *tag, gpr_timespec deadline, void *reserved),         \
            (cq, tag, deadline, reserved))                                                         \
    ROUTINE(grpc_completion_queue_shutdown, (grpc_completion_queue *cq), (cq))                     \
    FUNCTION(grpc_slice, grpc_empty_slice, (void), ())                                             \
    ROUTINE(grpc_init, (void), ())                                                                 \
    FUNCTION(grpc_channel_credentials *, grpc_insecure_credentials_create, (void), ())             \
    FUNCTION(grpc_server_credentials *, grpc_insecure_server_credentials_create, (void), ())       \
    ROUTINE(grpc_metadata_array_destroy, (grpc_metadata_array *array), (array))                    \
    ROUTINE(grpc_metadata_array_init, (grpc_metadata_array *array), (array))                       \
    FUNCTION(grpc_byte_buffer *, grpc_raw_byte_buffer_create,                                      \
            (grpc_slice *slices, size_t nslices), (slices, nslices))                               \
    FUNCTION(const grpc_arg_pointer_vtable *, grpc_resource_quota_arg_vtable, (void), ())          \
    FUNCTION(grpc_resource_quota *, grpc_resource_quota_create,                                    \
            (const char *trace_name), (trace_name))                                                \
    ROUTINE(grpc_resource_quota_resize,                                                            \
            (grpc_resource_quota *resource_quota, size_t new_size), (resource_quota, new_size))    \
    ROUTINE(grpc_resource_quota_unref, (grpc_resource_quota *resource_quota), (resource_quota))    \
    FUNCTION(int, grpc_server_add_http2_port,                                                      \
            (grpc_server *server, const char *addr, grpc_server_credentials *creds),               \
            (server, addr, creds))                                                                 \
    ROUTINE(grpc_server_cancel_all_calls, (grpc_server *server), (server))                         \
    FUNCTION(grpc_server *, grpc_server_create,                                                    \
            (const grpc_channel_args *args, void *reserved), (args, reserved))                     \
    ROUTINE(grpc_server_credentials_release, (grpc_server_credentials *creds), (creds))            \
    ROUTINE(grpc_server_destroy, (grpc_server *server), (server))                                  \
    ROUTINE(grpc_server_register_completion_queue,                                                 \
            (grpc_server *server, grpc_completion_queue *cq, void *reserved),                      \
            (server, cq, reserved))                                                                \
    FUNCTION(void *, grpc_server_register_method,                                                  \
            (grpc_server *server, const char *method, const char *host,                            \
            grpc_server_register_method_payload_handling payload_handling, uint32_t flags),        \
            (server, method, host, payload_handling, flags))                                       \
    FUNCTION(grpc_call_error, grpc_server_request_call,                                            \
            (grpc_server *server, grpc_call **call, grpc_call_details *details,                    \
            grpc_metadata_array *request_metadata, grpc_completion_queue *cq_bound_to_call,        \
            grpc_completion_queue *cq_for_notification, void *tag_new),                            \
            (server, call, details, request_metadata, cq_bound_to_call,                            \
            cq_for_notification, tag_new))                                                         \
    FUNCTION(grpc_call_error, grpc_server_request_registered_call,                                 \
            (grpc_server *server, void *registered_method, grpc_call **call,                       \
            gpr_timespec *deadline, grpc_metadata_array *request_metadata,                         \
            grpc_byte_buffer **optional_payload, grpc_completion_queue *cq_bound_to_call,          \
            grpc_completion_queue *cq_for_notification, void *tag_new),                            \
            (server, registered_method, call, deadline, request_metadata, optional_payload,        \
            cq_bound_to_call, cq_for_notification, tag_new))                                       \
    ROUTINE(grpc_server_shutdown_and_notify,                                                       \
            (grpc_server *server, grpc_completion_queue *cq, void *tag), (server, cq, tag))        \
    ROUTINE(grpc_server_start, (grpc_server *server), (server))                                    \
    ROUTINE(grpc_shutdown, (void), ())                                                             \
    FUNCTION(grpc_slice, grpc_slice_from_copied_buffer,                                            \
            (const char *source, size_t len), (source, len))                                       \
    FUNCTION(grpc_slice, grpc_slice_from_copied_string, (const char *source), (source))            \
    FUNCTION(grpc_slice, grpc_slice_from_static_string, (const char *source), (source))            \
    FUNCTION(grpc_slice, grpc_slice_malloc, (size_t length), (length))                             \
    FUNCTION(grpc_slice, grpc_slice_new,                                                           \
            (void *p, size_t len, void (*destroy)(void *)), (p, len, destroy))                     \
    FUNCTION(grpc_slice, grpc_slice_ref, (grpc_slice s), (s))                                      \
    ROUTINE(grpc_slice_unref, (grpc_slice s), (s))
// clang-format on

/* Its place in the library */
#define FUNCTION(type, name, parameters, arguments) type(*name) parameters;
#define ROUTINE(name, parameters, arguments) FUNCTION(void, name, parameters, arguments)
static struct {
    CALLS
} library;
#undef FUNCTION
#undef ROUTINE

static void *must(void *found)
{
    if (found)
        return found;
    fprintf(stderr, "larder: cannot load gRPC: %s: install gRPC's C core\n", dlerror());
    _exit(EXIT_FAILURE); /* other threads may be at work */
}

static void load(void)
{
    void *opened = must(dlopen(LARDER_GRPC_LIBRARY, RTLD_LAZY | RTLD_LOCAL));
    void *found; /* POSIX has dlsym give functions as what objects are pointed to by */
#define FUNCTION(type, name, parameters, arguments)                                                \
    found = must(dlsym(opened, #name));                                                            \
    memcpy(&library.name, &found, sizeof found);
#define ROUTINE(name, parameters, arguments) FUNCTION(void, name, parameters, arguments)
    CALLS
#undef FUNCTION
#undef ROUTINE
}

static void need(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
}

#define FUNCTION(type, name, parameters, arguments)                                                \
    type name parameters                                                                           \
    {                                                                                              \
        need();                                                                                    \
        return library.name arguments;                                                             \
    }
#define ROUTINE(name, parameters, arguments)                                                       \
    void name parameters                                                                           \
    {                                                                                              \
        need();                                                                                    \
        library.name arguments;                                                                    \
    }
CALLS
