/* entity_key.c - see entity_key.h. */
#include "base/entity_key.h"
