for i = 2, #ARGV do
  local who = redis.call('HGET', H, ARGV[i])
  if who and string.match(who, '^(%d+):') == ARGV[1] then
    redis.call('HDEL', H, ARGV[i])
    redis.call('ZREM', E, ARGV[i])
  end
end
return 0
