-- Makes a node the one that leads a session, for a `take` (P2.4), and returns all that is kept.
-- KEYS: session, its way up, its way down, its topics
-- ARGV: run, node, fence, instance, life in ms, prefix of nodes' channels, id
local s = redis.call('HMGET', KEYS[1], 'run', 'instance', 'fence', 'node', 'pair')
if s[1] ~= ARGV[1] then return { 'gone' } end
if s[2] ~= ARGV[4] or tonumber(ARGV[3]) <= tonumber(s[3]) then return { 'refused' } end
local lease = redis.call('HINCRBY', KEYS[1], 'lease', 1)
redis.call('HSET', KEYS[1], 'node', ARGV[2], 'fence', ARGV[3])
if s[4] ~= '' and s[4] ~= ARGV[2] then
  redis.call('PUBLISH', ARGV[6] .. s[4], 'moved ' .. ARGV[7] .. ' ' .. lease)
end
for _, key in ipairs({ KEYS[1], KEYS[2], KEYS[3], KEYS[4], s[5] }) do
  redis.call('PEXPIRE', key, ARGV[5])
end
local rest = redis.call('HMGET', KEYS[1], 'subject', 'connect', 'received', 'acked', 'last')
return { 'leads', tostring(lease), rest[1], rest[2], rest[3], rest[4], rest[5],
  redis.call('LRANGE', KEYS[2], 0, -1), redis.call('LRANGE', KEYS[3], 0, -1),
  redis.call('HGETALL', KEYS[4]) }
