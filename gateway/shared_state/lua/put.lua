-- key, value, ms, entries, bytes [, number of the lease, its keys…] → how many entries were dropped, or LEASE_LOST.
if ARGV[6] and not holds(KEYS[5], KEYS[6], ARGV[6], 7) then return -1 end
return put(ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))
