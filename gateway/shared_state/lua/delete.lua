-- key [, number of the lease, its keys…] → 0 or LEASE_LOST.
if ARGV[2] and not holds(KEYS[5], KEYS[6], ARGV[2], 3) then return -1 end
drop(ARGV[1])
return 0
