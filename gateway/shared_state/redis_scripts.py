"""The Lua scripts for entries and leases in Redis. Each script is one atomic step on the server and uses the server's clock.

This module owns the layout of the keys. All have the same hash tag, so a Cluster stores them on one node::

    {prefix}:kind:NAME:values|ends|order|about   values by key; keys by end, and by age; "bytes" and "last" (the newest entry's number)
    {prefix}:lease:held|ends|last                "NUMBER:OWNER" by key; keys by end; the last number

No key has an expiry. Ended entries are deleted by later changes, so the totals stay exact, and an eviction policy for keys with an expiry
does not touch them. A script must never write before a command that Redis refuses when its memory is full. So Redis refuses the whole
script, or runs all of it. Source: https://redis.io/docs/latest/develop/programmability/eval-intro/.
"""

from dataclasses import dataclass, field
from hashlib import sha1
from typing import Final

DROPPED_AT_ONCE = 16
DROPPED_AT_BOUND = 1000

LEASE_LOST: Final = -1


@dataclass(frozen=True, slots=True)
class Script:
    """One script: its text, and the SHA-1 by which the server knows it."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", sha1(self.text.encode(), usedforsecurity=False).hexdigest())


TIME = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

_HELD = """
local function holds(held, ends, number, first)
  for i = first, #ARGV do
    local till, who = redis.call('ZSCORE', ends, ARGV[i]), redis.call('HGET', held, ARGV[i])
    if not till or tonumber(till) <= now or not who or string.match(who, '^(%d+):') ~= number then return false end
  end
  return true
end
"""

KEPT = f"""
local function find(key)
  local till = redis.call('ZSCORE', E, key)
  return till and tonumber(till) > now and redis.call('HGET', V, key)
end
local function drop(key)
  if redis.call('ZSCORE', E, key) then
    local size = #key + redis.call('HSTRLEN', V, key)
    redis.call('HDEL', V, key)
    redis.call('ZREM', E, key)
    redis.call('ZREM', O, key)
    redis.call('HINCRBY', A, 'bytes', -size)
  end
end
local function drop_ended(most)
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', E, '-inf', now, 'LIMIT', 0, most)) do drop(key) end
end
local function put(key, value, ms, entries, bytes)
  local number, size, gone, has_dropped = redis.call('HINCRBY', A, 'last', 1), #key + #value, 0, false
  drop(key)
  drop_ended({DROPPED_AT_ONCE})
  while true do
    local count, held = redis.call('ZCARD', O), tonumber(redis.call('HGET', A, 'bytes') or 0)
    if count == 0 or (count < entries and held + size <= bytes) then break end
    if not has_dropped then
      drop_ended({DROPPED_AT_BOUND})
      has_dropped = true
    else
      drop(redis.call('ZRANGE', O, 0, 0)[1])
      gone = gone + 1
    end
  end
  redis.call('HSET', V, key, value)
  redis.call('ZADD', E, now + ms, key)
  redis.call('ZADD', O, number, key)
  redis.call('HINCRBY', A, 'bytes', size)
  return gone
end
"""
"""Functions for the entries of one kind, whose keys are in ``V``, ``E``, ``O`` and ``A``."""
_ENTRIES = TIME + _HELD + "local V, E, O, A = KEYS[1], KEYS[2], KEYS[3], KEYS[4]\n" + KEPT

# KEYS of the scripts below: the four keys of the kind, and two keys of the leases if the change needs a lease.
CLAIM = Script(
    _ENTRIES + "if find(ARGV[1]) then return -1 end\nreturn put(ARGV[1], '', tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]))"
)
"""key, ms, entries, bytes → how many entries were dropped, or -1 if another caller has claimed the key."""
PUT = Script(
    _ENTRIES
    + "if ARGV[6] and not holds(KEYS[5], KEYS[6], ARGV[6], 7) then return -1 end\n"
    + "return put(ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))"
)
"""key, value, ms, entries, bytes [, number of the lease, its keys…] → how many entries were dropped, or LEASE_LOST."""
GET = Script(_ENTRIES + "return find(ARGV[1])")
TAKE = Script(_ENTRIES + "local found = find(ARGV[1])\ndrop(ARGV[1])\nreturn found")
DELETE = Script(_ENTRIES + "if ARGV[2] and not holds(KEYS[5], KEYS[6], ARGV[2], 3) then return -1 end\ndrop(ARGV[1])\nreturn 0")
"""key [, number of the lease, its keys…] → 0 or LEASE_LOST."""
ALL = Script(
    _ENTRIES
    + """
local over, found = {}, {}
for _, key in ipairs(redis.call('ZRANGEBYSCORE', E, '-inf', now)) do over[key] = true end
for _, key in ipairs(redis.call('ZRANGE', O, 0, -1)) do
  if not over[key] then
    found[#found + 1] = key
    found[#found + 1] = redis.call('HGET', V, key)
  end
end
return found
"""
)

_LEASES = TIME + _HELD + "local H, E, N = KEYS[1], KEYS[2], KEYS[3]\n"
LEASE = Script(
    _LEASES
    + f"""
local added = 0
for i = 4, #ARGV do
  local till, who = redis.call('ZSCORE', E, ARGV[i]), redis.call('HGET', H, ARGV[i])
  if till and tonumber(till) > now and who and string.match(who, '^%d+:(.*)$') ~= ARGV[1] then return '' end
  if not till then added = added + 1 end
end
local function drop_ended(most)
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', E, '-inf', now, 'LIMIT', 0, most)) do
    redis.call('ZREM', E, key)
    redis.call('HDEL', H, key)
  end
end
local number, micros = redis.call('INCR', N), time[1] * 1000000 + time[2]
if number < micros then
  number = micros
  redis.call('SET', N, string.format('%.0f', number))
end
drop_ended({DROPPED_AT_ONCE})
if redis.call('ZCARD', E) + added > tonumber(ARGV[3]) then drop_ended({DROPPED_AT_BOUND}) end
if redis.call('ZCARD', E) + added > tonumber(ARGV[3]) then return 'full' end
for i = 4, #ARGV do
  redis.call('HSET', H, ARGV[i], string.format('%.0f:', number) .. ARGV[1])
  redis.call('ZADD', E, now + ARGV[2], ARGV[i])
end
return string.format('%.0f', number)
"""
)
"""owner, ms, most, keys… → the number; '' while another owner holds a key; 'full'. Numbers keep growing even if the data were lost."""
RENEW = Script(
    _LEASES
    + """
if not holds(H, E, ARGV[1], 3) then return 0 end
for i = 3, #ARGV do redis.call('ZADD', E, now + ARGV[2], ARGV[i]) end
return 1
"""
)
"""number, ms, keys… → 1, or 0 if the lease was lost."""
RELEASE = Script(
    _LEASES
    + """
for i = 2, #ARGV do
  local who = redis.call('HGET', H, ARGV[i])
  if who and string.match(who, '^(%d+):') == ARGV[1] then
    redis.call('HDEL', H, ARGV[i])
    redis.call('ZREM', E, ARGV[i])
  end
end
return 0
"""
)
