local function holds(held, ends, number, first)
  for i = first, #ARGV do
    local till, who = redis.call('ZSCORE', ends, ARGV[i]), redis.call('HGET', held, ARGV[i])
    if not till or tonumber(till) <= now or not who or string.match(who, '^(%d+):') ~= number then return false end
  end
  return true
end
