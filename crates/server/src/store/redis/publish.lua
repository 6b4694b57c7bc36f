-- Numbers an event of a topic and keeps it, if the session whose message it answers is led still.
-- Saying it twice does it once.
-- KEYS: the topic, its events, the node's last event, the session ('' if it answers none)
-- ARGV: run, lease, the event's number in its node, new epoch, event, events kept, life in ms,
--   channel, topic's name
if tonumber(redis.call('GET', KEYS[3]) or '0') >= tonumber(ARGV[3]) then return 'kept' end
if KEYS[4] ~= '' then
  local s = redis.call('HMGET', KEYS[4], 'run', 'lease')
  if s[1] ~= ARGV[1] or s[2] ~= ARGV[2] then return 'lost' end
end
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'run', ARGV[1], 'epoch', ARGV[4], 'last', 0)
end
local n = redis.call('HINCRBY', KEYS[1], 'last', 1)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], n .. '-0', 'e', ARGV[5])
redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[7])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
redis.call('PEXPIRE', KEYS[2], ARGV[7])
redis.call('PUBLISH', ARGV[8], 'event ' .. ARGV[9])
return 'kept'
