/*
 * accepting.h - connections are taken up to a limit, and ports are never given up.
 *
 * When the C library's accept4 fails for want of descriptors, or for the fault of one caller, gRPC
 * core 1.51 stops listening for good: nobody can connect any more, whatever becomes of those who
 * are, and only a restart helps. So a server with as many idle connections as it may have files
 * open would be lost. Here is the accept4 that gRPC calls instead, found first by the ordinary
 * rules of dynamic linking: it closes what is one connection too many at once, keeps some
 * descriptors for the stores, and never fails for reasons that pass.
 */
#ifndef LARDER_SERVER_ACCEPTING_H
#define LARDER_SERVER_ACCEPTING_H

/* Before a port is opened: lets this process have as many files open as its connections need, where
 * it may. */
void accepting_begin(void);

#endif
