/*
 * log_grpc.h - the gRPC library's own words, in our log.
 *
 * Only its errors. Every caller can make it say something (it tells of each header that it cannot
 * read), so no more than a few lines a while are written, and how many were left out is told when
 * there is room again. Its threads call whenever they like.
 */
#ifndef LARDER_SERVER_LOG_GRPC_H
#define LARDER_SERVER_LOG_GRPC_H

/* Once, before gRPC is begun with. Whoever sets GRPC_VERBOSITY gets gRPC's own log instead. */
void log_grpc_begin(void);

#endif
