-- Keeps what a session did, if the node that says so leads it still. Saying it twice does it once.
-- KEYS: session, its way up, its way down, its topics
-- ARGV: run, lease, id, life in ms, 1 if it ended, fence, first `seq`, first `offset`,
--   oldest offset kept, acked, heard (each '' if unchanged), then counts of and the entries up,
--   entries down, and pairs of topic and place ('' to leave it)
local s = redis.call('HMGET', KEYS[1], 'run', 'lease', 'received', 'last', 'first', 'heard', 'pair', 'acked')
if s[1] ~= ARGV[1] or s[2] ~= ARGV[2] then return 'lost' end
local at = 12
local function list()
  local count = tonumber(ARGV[at])
  local from = at + 1
  at = from + count
  return from, count
end

-- Appends what is new, and returns the last number; false where numbers are missing before it.
local function append(key, last, first)
  local from, count = list()
  if count == 0 then return last end
  local skip = last + 1 - tonumber(first)
  if skip < 0 then return false end
  for i = from + skip, from + count - 1 do
    redis.call('RPUSH', key, ARGV[i])
  end
  return last + math.max(count - skip, 0)
end
local function number(n) return string.format('%.0f', n) end

local received = append(KEYS[2], tonumber(s[3]), ARGV[7])
local last = received and append(KEYS[3], tonumber(s[4]), ARGV[8])
if not last then
  redis.call('HSET', KEYS[1], 'run', '')
  return 'lost'
end
if ARGV[5] == '1' then
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
  if redis.call('GET', s[7]) == ARGV[3] then redis.call('DEL', s[7]) end
  return 'kept'
end
local changed = { 'received', number(received), 'last', number(last) }
local function change(name, value)
  changed[#changed + 1] = name
  changed[#changed + 1] = value
end
if ARGV[6] ~= '' then change('fence', ARGV[6]) end
if ARGV[9] ~= '' then
  local gone = tonumber(ARGV[9]) - tonumber(s[5])
  if gone > 0 then
    redis.call('LTRIM', KEYS[3], gone, -1)
    change('first', ARGV[9])
  end
end
if ARGV[10] ~= '' and tonumber(ARGV[10]) > tonumber(s[8]) then change('acked', ARGV[10]) end
if ARGV[11] ~= '' then
  local done = tonumber(ARGV[11]) - tonumber(s[6])
  if done > 0 then
    redis.call('LTRIM', KEYS[2], done, -1)
    change('heard', ARGV[11])
  end
end
redis.call('HSET', KEYS[1], unpack(changed))
local from, count = list()
for i = from, from + count - 2, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[4], ARGV[i])
  else
    redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 1])
  end
end
for _, key in ipairs({ KEYS[1], KEYS[2], KEYS[3], KEYS[4], s[7] }) do
  redis.call('PEXPIRE', key, ARGV[4])
end
return 'kept'
