-- Functions for the entries of one kind, whose keys are in ``V``, ``E``, ``O`` and ``A``.
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
  drop_ended(DROPPED_AT_ONCE)
  while true do
    local count, held = redis.call('ZCARD', O), tonumber(redis.call('HGET', A, 'bytes') or 0)
    if count == 0 or (count < entries and held + size <= bytes) then break end
    if not has_dropped then
      drop_ended(DROPPED_AT_BOUND)
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
