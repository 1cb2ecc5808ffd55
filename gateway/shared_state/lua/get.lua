return find(ARGV[1])
