-- owner, ms, most, keys… → the number; '' while another owner holds a key; 'full'. Numbers keep growing even if the data were lost.
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
drop_ended(DROPPED_AT_ONCE)
if redis.call('ZCARD', E) + added > tonumber(ARGV[3]) then drop_ended(DROPPED_AT_BOUND) end
if redis.call('ZCARD', E) + added > tonumber(ARGV[3]) then return 'full' end
for i = 4, #ARGV do
  redis.call('HSET', H, ARGV[i], string.format('%.0f:', number) .. ARGV[1])
  redis.call('ZADD', E, now + ARGV[2], ARGV[i])
end
return string.format('%.0f', number)
