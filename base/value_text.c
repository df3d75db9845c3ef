/* value_text.c - see value_text.h. */
#include "base/value_text.h"
