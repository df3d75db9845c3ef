/*
 * log.h - one line a fact, in logfmt or JSON, on standard error:
 *
 *     time=2026-01-02T03:04:05.678901Z level=info msg="redis is back" url=redis://localhost:6379/0
 *     {"time":"2026-01-02T03:04:05.678901Z","level":"info","msg":"redis is
 * back","url":"redis://..."}
 *
 * Used by what runs without a person watching: serve, and long work without a terminal. Lines are
 * written whole with one write(2), so threads do not mix. Secrets are the caller's care: connection
 * texts are cleaned before they come here (config/settings.h has the function).
 */
#ifndef LARDER_BASE_LOG_H
#define LARDER_BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

/* message is quoted; fields is printf-style "key=value key=value", may be "". Values with spaces
 * are quoted by the caller with log_quote. */
void log_line(enum log_level level, const char *message, const char *fields, ...)
    __attribute__((format(printf, 3, 4)));
/* Before other threads run: lines below the level are not written. */
void log_set_level(enum log_level least);
void log_set_format(enum log_format format);

/* A value for a field: quoted and escaped if it has to be. Writes at most size bytes, cut if
 * longer. */
const char *log_quote(const char *text, char *quoted, int size);

#endif
