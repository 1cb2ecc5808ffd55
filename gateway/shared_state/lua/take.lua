local found = find(ARGV[1])
drop(ARGV[1])
return found
