/* csv.c - see csv.h. */
#include "base/csv.h"
