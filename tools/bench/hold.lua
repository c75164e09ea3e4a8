-- A hold of one sku: what a shop would do in Redis. It gives back what is due, refuses what is not
-- there, is idempotent by its id, and keeps an index of the ends of holds.
-- KEYS: the free units, the holds (id -> units), the ends of the holds. ARGV: id, units, seconds.
local now = tonumber(redis.call('TIME')[1])
local due = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 10)
for _, id in ipairs(due) do
    redis.call('INCRBY', KEYS[1], redis.call('HGET', KEYS[2], id))
    redis.call('HDEL', KEYS[2], id)
    redis.call('ZREM', KEYS[3], id)
end
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then
    return 'same'
end
if tonumber(redis.call('GET', KEYS[1])) < tonumber(ARGV[2]) then
    return 'shortage'
end
redis.call('DECRBY', KEYS[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[3], now + ARGV[3], ARGV[1])
return 'placed'
