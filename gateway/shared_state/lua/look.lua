-- an epoch, used if the state begins empty → the state's epoch, the time in ms, the last id, the server's run id.
begin(ARGV[1])
local run, about, found = '', redis.pcall('INFO', 'server'), redis.call('HMGET', G, 'epoch', 'ms', 'seq')
if type(about) == 'string' then run = string.match(about, 'run_id:(%x+)') or '' end
return {found[1], string.format('%.0f', now), (found[2] or '0') .. '-' .. (found[3] or '0'), run}
