-- Returns a topic's epoch, its last event's number, and events after a place. It is made if there
-- is none.
-- KEYS: the topic, its events
-- ARGV: run, new epoch, epoch known, last number known, most events, life in ms
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'run', ARGV[1], 'epoch', ARGV[2], 'last', 0)
end
local t = redis.call('HMGET', KEYS[1], 'epoch', 'last')
local after = '-'
if t[1] == ARGV[3] then after = '(' .. ARGV[4] .. '-0' end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return { t[1], t[2], redis.call('XRANGE', KEYS[2], after, '+', 'COUNT', ARGV[5]) }
