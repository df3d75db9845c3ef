/* timestamp.c - see timestamp.h. */
#include "base/timestamp.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)
#define DURATION_MAX_US (INT64_C(3652425) * DAY_US) /* 10,000 Gregorian years */

enum {
    DAYS_PER_ERA = 146097, /* 400 years */
    /* From 0000-03-01, where eras begin so that a leap day is the last of its year, to 1970-01-01.
     */
    DAYS_BEFORE_1970 = 719468,
};

/* Days since 1970-01-01 of a date in the years 1 to 9999. */
static int64_t days_of_date(int year, int month, int day)
{
    int from_march = month > 2 ? month - 3 : month + 9;
    if (month <= 2)
        year--;
    int era = year / 400;
    int year_of_era = year % 400;
    int day_of_year = (153 * from_march + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int64_t)era * DAYS_PER_ERA + day_of_era - DAYS_BEFORE_1970;
}

static void date_of_days(int64_t days, int *year, int *month, int *day)
{
    int from_start = (int)(days + DAYS_BEFORE_1970);
    int era = from_start / DAYS_PER_ERA;
    int day_of_era = from_start % DAYS_PER_ERA;
    /* Take the leap days out: one each 1460 days, but not each 36524, but the last day of the era.
     */
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (DAYS_PER_ERA - 1)) /
        365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int from_march = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = era * 400 + year_of_era + (*month <= 2);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

struct cursor {
    const char *at;
    const char *end;
};

static bool take_char(struct cursor *text, const char *any_of)
{
    if (text->at == text->end || *text->at == '\0' || !strchr(any_of, *text->at))
        return false;
    text->at++;
    return true;
}

/* Exactly `digits` digits whose number lies in least..most. */
static bool take_number(struct cursor *text, int digits, int least, int most, int *number)
{
    if (text->end - text->at < digits)
        return false;
    *number = 0;
    for (int i = 0; i < digits; i++) {
        char c = *text->at++;
        if (c < '0' || c > '9')
            return false;
        *number = *number * 10 + (c - '0');
    }
    return *number >= least && *number <= most;
}

static bool take_date(struct cursor *text, int64_t *us)
{
    int year, month, day;
    if (!take_number(text, 4, 1, 9999, &year) || !take_char(text, "-") ||
        !take_number(text, 2, 1, 12, &month) || !take_char(text, "-") ||
        !take_number(text, 2, 1, days_in_month(year, month), &day))
        return false;
    *us = days_of_date(year, month, day) * DAY_US;
    return true;
}

static bool take_fraction(struct cursor *text, int64_t *us)
{
    int64_t unit_us = SECOND_US / 10;
    int digits = 0;
    for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++, digits++) {
        *us += (*text->at - '0') * unit_us;
        unit_us /= 10;
    }
    return digits >= 1 && digits <= 9;
}

static bool take_time(struct cursor *text, int64_t *us)
{
    int hour, minute, second;
    if (!take_number(text, 2, 0, 23, &hour) || !take_char(text, ":") ||
        !take_number(text, 2, 0, 59, &minute) || !take_char(text, ":") ||
        !take_number(text, 2, 0, 59, &second))
        return false;
    *us = hour * HOUR_US + minute * MINUTE_US + second * SECOND_US;
    return !take_char(text, ".") || take_fraction(text, us);
}

/* Nothing, Z, or an offset: +hh:mm, and +hh and +hhmm, which PostgreSQL and ISO 8601 write. */
static bool take_zone(struct cursor *text, int64_t *offset_us)
{
    *offset_us = 0;
    if (text->at == text->end || take_char(text, "Zz"))
        return true;
    bool west = *text->at == '-';
    int hours, minutes = 0;
    if (!take_char(text, "+-") || !take_number(text, 2, 0, 23, &hours))
        return false;
    bool colon = take_char(text, ":");
    if ((colon || text->at < text->end) && !take_number(text, 2, 0, 59, &minutes))
        return false;
    *offset_us = (west ? -1 : 1) * (hours * HOUR_US + minutes * MINUTE_US);
    return true;
}

bool timestamp_parse(struct bytes bytes, int64_t *us)
{
    struct cursor text = {bytes.data, (const char *)bytes.data + bytes.size};
    int64_t date_us, time_us = 0, offset_us = 0;
    if (bytes.size == 0 || !take_date(&text, &date_us))
        return false;
    if (text.at < text.end &&
        (!take_char(&text, "Tt ") || !take_time(&text, &time_us) || !take_zone(&text, &offset_us)))
        return false;
    *us = date_us + time_us - offset_us;
    return text.at == text.end && timestamp_in_range(*us);
}

static char *put_number(char *at, int digits, int64_t number)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return at + digits;
}

size_t timestamp_format(int64_t us, char text[TIMESTAMP_TEXT_SIZE])
{
    assert(timestamp_in_range(us));
    int64_t from_year_1 = us - TIMESTAMP_MIN; /* not negative, so division rounds down */
    int64_t time_us = from_year_1 % DAY_US;
    int year, month, day;
    date_of_days(from_year_1 / DAY_US + TIMESTAMP_MIN / DAY_US, &year, &month, &day);
    char *at = put_number(text, 4, year);
    *at++ = '-';
    at = put_number(at, 2, month);
    *at++ = '-';
    at = put_number(at, 2, day);
    *at++ = 'T';
    at = put_number(at, 2, time_us / HOUR_US);
    *at++ = ':';
    at = put_number(at, 2, time_us / MINUTE_US % 60);
    *at++ = ':';
    at = put_number(at, 2, time_us / SECOND_US % 60);
    *at++ = '.';
    at = put_number(at, 6, time_us % SECOND_US);
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - text);
}

struct unit {
    const char *name;
    int64_t us;
    bool in_definitions; /* the others are for messages only */
};

static const struct unit units[] = {
    {"w", 7 * DAY_US, true}, {"d", DAY_US, true}, {"h", HOUR_US, true}, {"m", MINUTE_US, true},
    {"s", SECOND_US, true},  {"ms", 1000, false}, {"us", 1, false},
};

bool duration_parse(struct bytes text, int64_t *us)
{
    const char *digits = text.data;
    int64_t number = 0;
    size_t i = 0;
    for (; i < text.size && digits[i] >= '0' && digits[i] <= '9'; i++) {
        number = number * 10 + (digits[i] - '0');
        if (number > DURATION_MAX_US)
            return false;
    }
    *us = 0;
    if (text.size == 1 && i == 1 && number == 0)
        return true;
    if (i == 0 || i + 1 != text.size)
        return false;
    for (const struct unit *unit = units; unit->in_definitions; unit++)
        if (*unit->name == digits[i])
            return !__builtin_mul_overflow(number, unit->us, us) && *us <= DURATION_MAX_US;
    return false;
}

size_t duration_format(int64_t us, char text[DURATION_TEXT_SIZE])
{
    if (us == 0)
        return (size_t)snprintf(text, DURATION_TEXT_SIZE, "0");
    const struct unit *unit = units;
    while (us % unit->us != 0)
        unit++;
    return (size_t)snprintf(text, DURATION_TEXT_SIZE, "%lld%s", (long long)(us / unit->us),
                            unit->name);
}

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

int64_t timestamp_now(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t timestamp_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

int64_t timestamp_add(int64_t us, int64_t duration_us)
{
    int64_t sum;
    if (!__builtin_add_overflow(us, duration_us, &sum))
        return sum;
    return duration_us < 0 ? INT64_MIN : INT64_MAX;
}

int64_t timestamp_subtract(int64_t us, int64_t duration_us)
{
    int64_t difference;
    if (!__builtin_sub_overflow(us, duration_us, &difference))
        return difference;
    return duration_us > 0 ? INT64_MIN : INT64_MAX;
}
