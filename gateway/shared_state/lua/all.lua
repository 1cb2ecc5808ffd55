local over, found = {}, {}
for _, key in ipairs(redis.call('ZRANGEBYSCORE', E, '-inf', now)) do over[key] = true end
for _, key in ipairs(redis.call('ZRANGE', O, 0, -1)) do
  if not over[key] then
    found[#found + 1] = key
    found[#found + 1] = redis.call('HGET', V, key)
  end
end
return found
