/*
 * redis_write_script.h - the conditional write as Redis runs it.
 *
 * KEYS are different row keys, one or more. ARGV has two texts for each: the row, and its expiry:
 * ms since 1970, "" for never, or "-" for a time in the past, which makes no new row and leaves a
 * stored row's expiry as it is. The answer is one digit a key: its enum row_outcome.
 *
 * It does what row_resolve and row_set_floor do (base/row.h), on bytes. Comparing strings with <
 * would be strcoll, whose order is the locale's; numbers would round positions to 53 bits. What
 * row_peek refuses counts as absent.
 */
#ifndef LARDER_STORE_ONLINE_REDIS_WRITE_SCRIPT_H
#define LARDER_STORE_ONLINE_REDIS_WRITE_SCRIPT_H

static const char redis_write_script[] =
    "local byte, sub, char = string.byte, string.sub, string.char\n"
    "local call, bxor = redis.call, bit.bxor\n"
    "local none = '\\128\\0\\0\\0\\0\\0\\0\\0'\n"

    /* Whether the n bytes of a from i on, 8 or 24, are greater than those of b from j on. Eight
     * bytes a call of byte take a third of the time that single ones do. */
    "local function above(a, i, b, j, n)\n"
    "  for k = 0, n - 1, 8 do\n"
    "    local a1, a2, a3, a4, a5, a6, a7, a8 = byte(a, i + k, i + k + 7)\n"
    "    local b1, b2, b3, b4, b5, b6, b7, b8 = byte(b, j + k, j + k + 7)\n"
    "    if a1 ~= b1 then return a1 > b1 end\n"
    "    if a2 ~= b2 then return a2 > b2 end\n"
    "    if a3 ~= b3 then return a3 > b3 end\n"
    "    if a4 ~= b4 then return a4 > b4 end\n"
    "    if a5 ~= b5 then return a5 > b5 end\n"
    "    if a6 ~= b6 then return a6 > b6 end\n"
    "    if a7 ~= b7 then return a7 > b7 end\n"
    "    if a8 ~= b8 then return a8 > b8 end\n"
    "  end\n"
    "  return false\n"
    "end\n"

    /* The floor and the check of a row that is given another floor. */
    "local function seal(row, floor)\n"
    "  local check = ''\n"
    "  for i = 1, 4 do\n"
    "    check = check .. char(bxor(byte(row, 32 + i), byte(row, 24 + i), byte(row, 28 + i),\n"
    "                               byte(floor, i), byte(floor, 4 + i)))\n"
    "  end\n"
    "  return floor .. check\n"
    "end\n"

    "local function put(key, row, expiry, is_new)\n"
    "  if expiry == '' then\n"
    "    call('SET', key, row)\n"
    "  elseif expiry ~= '-' then\n"
    "    call('SET', key, row, 'PXAT', expiry)\n"
    "  elseif not is_new then\n"
    "    call('SET', key, row, 'KEEPTTL')\n"
    "  end\n"
    "  return '0'\n"
    "end\n"

    "local function write_plain(key, row, expiry, old)\n"
    "  local floor = sub(old, 25, 32)\n"
    "  if floor == none then\n"
    "    if above(row, 1, old, 1, 24) then return put(key, row, expiry) end\n"
    "    return '1'\n"
    "  end\n"
    "  if above(row, 17, none, 1, 8) and not above(row, 17, floor, 1, 8) then return '2' end\n"
    "  if not above(row, 1, old, 1, 24) then return '1' end\n"
    "  return put(key, sub(row, 1, 24) .. seal(row, floor) .. sub(row, 37), expiry)\n"
    "end\n"

    "local function write_floor(key, row, expiry, old)\n"
    "  if not above(row, 25, old, 25, 8) then return '2' end\n"
    "  local is_replaced = above(old, 17, none, 1, 8) and not above(old, 17, row, 25, 8)\n"
    "  if is_replaced or above(row, 1, old, 1, 24) then return put(key, row, expiry) end\n"
    "  call('SETRANGE', key, 24, seal(old, sub(row, 25, 32)))\n"
    "  return '3'\n"
    "end\n"

    "local olds = call('MGET', unpack(KEYS))\n"
    "local outcomes = {}\n"
    "for i = 1, #KEYS do\n"
    "  local key, row, expiry, old = KEYS[i], ARGV[2 * i - 1], ARGV[2 * i], olds[i]\n"
    "  if not old or byte(old, 40) ~= 1 then\n"
    "    outcomes[i] = put(key, row, expiry, true)\n"
    "  elseif sub(row, 25, 32) == none then\n"
    "    outcomes[i] = write_plain(key, row, expiry, old)\n"
    "  else\n"
    "    outcomes[i] = write_floor(key, row, expiry, old)\n"
    "  end\n"
    "end\n"
    "return table.concat(outcomes)\n";

#endif
