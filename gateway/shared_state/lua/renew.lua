-- number, ms, keys… → 1, or 0 if the lease was lost.
if not holds(H, E, ARGV[1], 3) then return 0 end
for i = 3, #ARGV do redis.call('ZADD', E, now + ARGV[2], ARGV[i]) end
return 1
