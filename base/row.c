/* row.c - see row.h. */
#include "base/row.h"
