-- Gives a split link's name to a node, and tells the node that waits for it (B1).
-- KEYS: the link, who waits for it
-- ARGV: node, life in ms, prefix of nodes' channels, name
local node = redis.call('GET', KEYS[1])
if node and node ~= ARGV[1] then return node end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local waits = redis.call('GET', KEYS[2])
if waits then redis.call('PUBLISH', ARGV[3] .. waits, 'joined ' .. ARGV[4] .. ' ' .. ARGV[1]) end
return ARGV[1]
