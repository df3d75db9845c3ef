/* stream.c - see stream.h. */
#include "server/stream.h"

#include <assert.h>

static bool is_over(const struct stream *stream)
{
    return stream->is_closed || stream->is_broken;
}

static enum stream_step begin(bool *is_on_its_way, enum stream_step step)
{
    *is_on_its_way = true;
    return step;
}

static enum stream_step next_when_over(const struct stream *stream)
{
    bool is_busy = stream->is_receiving || stream->is_sending || stream->in_hand > 0;
    return stream->is_closed && !is_busy ? STREAM_RELEASE : STREAM_REST;
}

enum stream_step stream_next(struct stream *stream, bool has_room)
{
    if (is_over(stream))
        return next_when_over(stream);
    if (stream->unsent > 0 && !stream->is_sending)
        return begin(&stream->is_sending, STREAM_SEND);
    if (stream->has_all) {
        bool is_done = stream->in_hand == 0 && stream->unsent == 0 && !stream->is_ended;
        if (!is_done)
            return STREAM_REST;
        stream->is_ended = true;
        return begin(&stream->is_sending, STREAM_END);
    }
    if (stream->is_receiving || stream->in_hand + stream->unsent >= STREAM_REQUESTS_MAX)
        return STREAM_REST;
    return has_room ? begin(&stream->is_receiving, STREAM_RECEIVE) : STREAM_PAUSE;
}

bool stream_took(struct stream *stream)
{
    assert(stream->is_receiving);
    stream->is_receiving = false;
    if (stream->has_all || is_over(stream))
        return false;
    stream->in_hand++;
    return true;
}

void stream_finish(struct stream *stream)
{
    stream->has_all = true;
}

bool stream_answered(struct stream *stream)
{
    assert(stream->in_hand > 0 && !stream->is_ended);
    stream->in_hand--;
    if (is_over(stream))
        return false;
    stream->unsent++;
    return true;
}

void stream_sent(struct stream *stream, bool success)
{
    assert(stream->is_sending);
    stream->is_sending = false;
    stream->is_broken |= !success;
    if (stream->unsent > 0)
        stream->unsent--;
}

void stream_closed(struct stream *stream)
{
    stream->is_closed = true;
    stream->has_all = true;
    stream->unsent = stream->is_sending && stream->unsent > 0 ? 1 : 0;
}
