-- → version, eviction policy, largest memory in bytes, "1" if appendonly is on, role.
local function said(part, name)
  local found = redis.pcall('INFO', part)
  return type(found) == 'string' and string.match(found, name .. ':([^\r\n]*)') or ''
end
return {
  said('server', 'redis_version'), said('memory', 'maxmemory_policy'), said('memory', 'maxmemory'),
  said('persistence', 'aof_enabled'), said('replication', 'role'), redis.call('EXISTS', KEYS[1])
}
