local G, known, unseen = KEYS[1], KEYS[2], KEYS[3]
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
    redis.call('DEL', G, unpack(KEYS, 2, LOG_KEYS))
    redis.call('HSET', G, 'epoch', epoch)
  end
end
