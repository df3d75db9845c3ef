/*
 * stream.h - what one stream of requests may do next.
 *
 * A stream takes requests in, one after the other; each is in hand until its answer is made, and
 * its answer unsent until gRPC has taken it. This is the rule alone, without gRPC and without the
 * requests: whoever carries it out (streams.h) says what has happened and then asks stream_next
 * until it is STREAM_REST. Four things hold whatever happens, in whatever order:
 *
 *     one message at a time is received, and one (or the status at the end) sent
 *     at most STREAM_REQUESTS_MAX are in hand or unsent: beyond it nothing is received, and the
 *         peer waits for gRPC's window
 *     the status is sent once, after all answers; nothing is received or sent after it
 *     STREAM_RELEASE comes once, when the call is closed, nothing is on its way and nothing in hand
 *
 *              ... receiving and sending ...
 *     has_all  the peer has sent its last, or stream_finish: what is in hand is still answered
 *     is_ended the status is on its way, or sent
 *     is_closed  the call is over, by us or by the peer: what is unsent is dropped
 */
#ifndef LARDER_SERVER_STREAM_H
#define LARDER_SERVER_STREAM_H

#include <stdbool.h>
#include <stddef.h>

enum { STREAM_REQUESTS_MAX = 128 };

struct stream {
    bool is_receiving, is_sending;
    bool has_all, is_ended, is_closed;
    bool is_broken; /* a message could not be sent: the close is on its way */
    size_t in_hand, unsent;
};

/* Each but the last three begins with stream_next and ends with one of the functions below. */
enum stream_step {
    STREAM_RECEIVE, /* ends with stream_took */
    STREAM_SEND,    /* the oldest answer that is unsent; ends with stream_sent */
    STREAM_END,     /* the status; ends with stream_sent */
    STREAM_PAUSE,   /* it would receive, if there were room */
    STREAM_REST,    /* nothing to do until something happens */
    STREAM_RELEASE,
};

/* has_room: whether one more request may be taken in, of whatever stream. */
enum stream_step stream_next(struct stream *stream, bool has_room);

/* Something was received, which is in hand now; false: it came too late, or was no request, and is
 * to be dropped. */
bool stream_took(struct stream *stream);
/* Nothing more is taken in: the peer has sent its last, or what is no request, or we stop. */
void stream_finish(struct stream *stream);
/* One in hand has its answer. false: nobody is there to take it, and it is to be dropped. */
bool stream_answered(struct stream *stream);
void stream_sent(struct stream *stream, bool success);
/* The call is over; answers that are unsent, but for one that is being sent, are to be dropped. */
void stream_closed(struct stream *stream);

#endif
