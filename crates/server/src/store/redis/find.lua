-- Says which node has a split link; where none has, takes note of who waits for it (B1).
-- KEYS: the link, who waits for it
-- ARGV: node ('' if it does not wait), ms that it waits
local node = redis.call('GET', KEYS[1])
if node then return node end
if ARGV[1] ~= '' then redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2]) end
return ''
