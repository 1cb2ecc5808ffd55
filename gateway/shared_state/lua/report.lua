-- KEYS: those of PUBLISH, and the four of the report's kind.
--
-- The first five arguments of PUBLISH; then of the claim: key, ms, entries, bytes; ms of the marks, their number, the marks; then the parts as
-- for PUBLISH → the same as PUBLISH, or -1 if another caller has claimed the key.
if find(ARGV[6]) then return {-1, '-1'} end
local entries, bytes, first = tonumber(ARGV[8]), tonumber(ARGV[9]), 12 + tonumber(ARGV[11])
local answer = publish(first)
for i = 12, first - 1 do answer[1] = answer[1] + put(ARGV[i], '', tonumber(ARGV[10]), entries, bytes) end
answer[1] = answer[1] + put(ARGV[6], '', tonumber(ARGV[7]), entries, bytes)
return answer
