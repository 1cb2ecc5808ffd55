-- key, ms, entries, bytes → how many entries were dropped, or -1 if another caller has claimed the key.
if find(ARGV[1]) then return -1 end
return put(ARGV[1], '', tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]))
