"""The Lua scripts for published revocations in Redis. Revocations are stored in streams, with an index for each kind.

This module owns the layout of their keys, which have the same hash tag as all others::

    {prefix}:log:about          "epoch"; "ms" and "seq" of the last id; the bytes of each kind
    {prefix}:log:known|unseen   the streams; cookies for which Okta never named a user have their own stream
    {prefix}:log:KIND:at|order  the stream id of each part; parts by age

Streams and indexes are changed together. If they do not match, something else has deleted one of them. Then the state begins empty, with
another epoch. A script must never write before a command that Redis refuses when its memory is full.
"""

from gateway.shared_state.published import FORGOTTEN, KINDS, REVOKED, UNSEEN
from gateway.shared_state.redis_scripts import DROPPED_AT_ONCE, KEPT, TIME, Script

_KEYS = 3 + 2 * len(KINDS)
_LOG = (
    TIME
    + f"""
local G, known, unseen = KEYS[1], KEYS[2], KEYS[3]
local UNSEEN, REVOKED, FORGOTTEN, LAST = {KINDS.index(UNSEEN) + 1}, {KINDS.index(REVOKED) + 1}, {KINDS.index(FORGOTTEN) + 1}, {len(KINDS)}
local function at(kind) return KEYS[2 + 2 * kind] end
local function order(kind) return KEYS[3 + 2 * kind] end
local function stream(kind) return kind == UNSEEN and unseen or known end
local function is_whole()
  local indexed = 0
  for kind = 1, LAST do
    if kind ~= UNSEEN then indexed = indexed + redis.call('ZCARD', order(kind)) end
  end
  return redis.call('XLEN', known) == indexed and redis.call('XLEN', unseen) == redis.call('ZCARD', order(UNSEEN))
end
local function begin(epoch)
  if redis.call('HEXISTS', G, 'epoch') == 0 or not is_whole() then
    redis.call('HSET', G, 'epoch', epoch)
    redis.call('DEL', G, unpack(KEYS, 2, {_KEYS}))
    redis.call('HSET', G, 'epoch', epoch)
  end
end
"""
)
LOOK = Script(
    _LOG
    + """
begin(ARGV[1])
local run, about, found = '', redis.pcall('INFO', 'server'), redis.call('HMGET', G, 'epoch', 'ms', 'seq')
if type(about) == 'string' then run = string.match(about, 'run_id:(%x+)') or '' end
return {found[1], string.format('%.0f', now), (found[2] or '0') .. '-' .. (found[3] or '0'), run}
"""
)
"""an epoch, used if the state begins empty → the state's epoch, the time in ms, the last id, the server's run id."""
_KEEP = f"""
local function remove(kind, key)
  local id, size = string.match(redis.call('HGET', at(kind), key) or '', '^(%S+) (%d+)')
  if id then
    redis.call('XDEL', stream(kind), id)
    redis.call('HDEL', at(kind), key)
    redis.call('ZREM', order(kind), key)
    redis.call('HINCRBY', G, kind .. ':bytes', -size)
  end
end
local function oldest(kind)
  local key = redis.call('ZRANGE', order(kind), 0, 0)[1]
  if key then
    local began, ends = string.match(redis.call('HGET', at(kind), key), '^%S+ %d+ (%S+) (%S+)$')
    return key, tonumber(began), tonumber(ends)
  end
end
local pushed_out = 0
local function keep(kind, key, written, ms, age, entries, bytes)
  local size, gone = #key + #written, nil
  remove(kind, key)
  for _ = 1, {DROPPED_AT_ONCE} do
    local old, _, ends = oldest(kind)
    if not old or ends > now then break end
    remove(kind, old)
  end
  while redis.call('ZCARD', order(kind)) > 0
      and (redis.call('ZCARD', order(kind)) >= entries or tonumber(redis.call('HGET', G, kind .. ':bytes') or 0) + size > bytes) do
    local old, began, ends = oldest(kind)
    remove(kind, old)
    if ends > now then
      gone = began
      pushed_out = pushed_out + 1
    end
  end
  local last, seq = tonumber(redis.call('HGET', G, 'ms') or 0), tonumber(redis.call('HGET', G, 'seq') or 0)
  if now > last then
    last, seq = now, 0
  else
    seq = seq + 1
  end
  redis.call('HSET', G, 'ms', string.format('%.0f', last), 'seq', seq)
  local id = string.format('%.0f-%.0f', last, seq)
  redis.call('XADD', stream(kind), id, 'from', ARGV[2], 'age', string.format('%.0f', age), 'for', ms, 'says', written)
  redis.call('HSET', at(kind), key, string.format('%s %d %.0f %.0f', id, size, now - age, now - age + ms))
  redis.call('ZADD', order(kind), redis.call('HINCRBY', G, 'last', 1), key)
  redis.call('HINCRBY', G, kind .. ':bytes', size)
  return gone
end
local function publish(first)
  redis.call('HINCRBY', G, 'last', 1)
  begin(ARGV[1])
  local youngest_gone = -1
  for i = first, #ARGV, 7 do
    local kind, key, written = tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2]
    local ms, age, entries, bytes = tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]), tonumber(ARGV[i + 6])
    if ARGV[3] == '' or redis.call('HEXISTS', at(kind), key) == 0 then
      local gone = keep(kind, key, written, ms, age, entries, bytes)
      if gone and kind == REVOKED then
        keep(FORGOTTEN, ARGV[4], ARGV[5], tonumber(ARGV[first + 3]), now - gone, entries, bytes)
        youngest_gone = now - gone
      end
    end
  end
  return {{pushed_out, string.format("%.0f", youngest_gone)}}
end
"""
PUBLISH = Script(_LOG + _KEEP + "return publish(6)")
"""an epoch, the writer, '' or 'if absent', key and bytes of FORGOTTEN_PART, then for each part: kind, key, bytes, ms, age in ms, bounds.

→ how many entries were dropped before their end, and the age in ms of the newest dropped revocation, or -1.
"""
REPORT = Script(
    _LOG
    + _KEEP
    + f"local V, E, O, A = unpack(KEYS, {_KEYS + 1})\n"
    + KEPT
    + """
if find(ARGV[6]) then return {-1, '-1'} end
local entries, bytes, first = tonumber(ARGV[8]), tonumber(ARGV[9]), 12 + tonumber(ARGV[11])
local answer = publish(first)
for i = 12, first - 1 do answer[1] = answer[1] + put(ARGV[i], '', tonumber(ARGV[10]), entries, bytes) end
answer[1] = answer[1] + put(ARGV[6], '', tonumber(ARGV[7]), entries, bytes)
return answer
"""
)
"""KEYS: those of PUBLISH, and the four of the report's kind.

The first five arguments of PUBLISH; then of the claim: key, ms, entries, bytes; ms of the marks, their number, the marks; then the parts as
for PUBLISH → the same as PUBLISH, or -1 if another caller has claimed the key.
"""
ABOUT = Script(
    "local function said(part, name) local found = redis.pcall('INFO', part)\n"
    "return type(found) == 'string' and string.match(found, name .. ':([^\\r\\n]*)') or '' end\n"
    "return {said('server', 'redis_version'), said('memory', 'maxmemory_policy'), said('memory', 'maxmemory'),"
    " said('persistence', 'aof_enabled'), said('replication', 'role'), redis.call('EXISTS', KEYS[1])}"
)
"""→ version, eviction policy, largest memory in bytes, "1" if appendonly is on, role."""
