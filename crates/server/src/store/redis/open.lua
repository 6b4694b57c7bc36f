-- Finds the session that a `hello` asks for, or makes one (P2.2, P2.3).
-- KEYS: the session asked for, the pair of `connect` and subject, the session that may be made
-- ARGV: run, subject, connect, instance, received, asked id, new id, life in ms, prefix of sessions
local run, subject, received = ARGV[1], ARGV[2], tonumber(ARGV[5])
local asked, fresh, life, prefix = ARGV[6], ARGV[7], ARGV[8], ARGV[9]

local function look(key, has)
  local s = redis.call('HMGET', key, 'run', 'subject', 'acked', 'first', 'last', 'instance', 'fence', 'received', 'connect')
  if s[1] ~= run or s[2] ~= subject then return nil end
  local acked, first, last = tonumber(s[3]), tonumber(s[4]), tonumber(s[5])
  if has > last or math.max(has, acked) + 1 < first then return nil end
  return s
end

local function found(id, resumed, s)
  return { id, resumed, s[9], s[6], s[7], s[8] }
end

if asked ~= '' then
  local s = look(KEYS[1], received)
  if s then return found(asked, '1', s) end
end
local paired = redis.call('GET', KEYS[2])
if paired and paired ~= asked then
  -- Where a session was asked for, a sibling of this attempt asked first, and this one was made.
  local s = look(prefix .. paired, asked == '' and received or 0)
  if s then return found(paired, asked == '' and '1' or '0', s) end
end
redis.call('HSET', KEYS[3], 'run', run, 'subject', subject, 'connect', ARGV[3], 'instance', ARGV[4],
  'fence', 0, 'lease', 0, 'node', '', 'received', 0, 'heard', 0, 'acked', 0, 'first', 1, 'last', 0,
  'pair', KEYS[2])
redis.call('PEXPIRE', KEYS[3], life)
redis.call('SET', KEYS[2], fresh, 'PX', life)
return { fresh, asked == '' and '1' or '0', ARGV[3], ARGV[4], '0', '0' }
