/* examination.c - see examination.h. */
#include "store/examination.h"

#include "base/timestamp.h"

void examination_set_clock(struct examination *examination, int64_t its_us, int64_t asked_us)
{
    int64_t answered_us = timestamp_now();
    examination->has_clock = true;
    examination->clock_ahead_us = its_us > answered_us ? timestamp_subtract(its_us, answered_us)
                                  : its_us < asked_us  ? timestamp_subtract(its_us, asked_us)
                                                       : 0;
}
