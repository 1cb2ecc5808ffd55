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
  for _ = 1, DROPPED_AT_ONCE do
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
  return {pushed_out, string.format("%.0f", youngest_gone)}
end
