/** Which of the keys that match are meant, and what becomes of them. */
export interface KeyTreatment {
  /** `remove`, or give a time to live to those that have none. */
  action: 'remove' | 'expire';
  /** Only keys that nobody read or wrote for so long; null for all. */
  minIdleSeconds: number | null;
  /** Only keys that take at least so much; null for all. */
  minBytes: number | null;
  /** For `expire`; spread upwards by a tenth, so that they do not all go at once. */
  ttlSeconds: number;
}

/** What became of some keys. */
export interface Treated {
  changed: number;
  /** What they took, estimated from those that were weighed. */
  bytes: number;
}

/** To look at keys, or to act on them. */
export type Mode = 'count' | 'act';

/** Of each batch so many keys are weighed, so as to estimate what all of them took. */
export const weighedABatch = 5;

/** Whether every key that matches is meant, whatever became of it since: no need to look twice. */
export const meansAll = ({ action, minIdleSeconds, minBytes }: KeyTreatment): boolean =>
  action === 'remove' && minIdleSeconds === null && minBytes === null;

/** Whether every key without a time to live is meant: the server itself looks at that, by `EXPIRE … NX`. */
export const meansLasting = ({ action, minIdleSeconds, minBytes }: KeyTreatment): boolean =>
  action === 'expire' && minIdleSeconds === null && minBytes === null;

/** A time to live, spread over the keys of a batch. */
export const spreadTtl = (ttlSeconds: number, place: number, keys: number): number =>
  ttlSeconds + Math.floor((ttlSeconds * 0.1 * (place + 1)) / keys);

/**
 * The part that scripts have in common, in Lua: `treat(keys, most)` looks at each key and acts on it in one step of the
 * server's, so that one which was written since it was scanned is not idle any more. It ends after `most` were meant, and
 * gives back how many it looked at. `meant`, `weight` and `weighed` add up. Takes the first six of ARGV.
 */
export const treatInLua = `
local action, mode = ARGV[1], ARGV[2]
local idle, least, ttl, toWeigh = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local meant, weight, weighed = 0, 0, 0
local call, pcall = redis.call, redis.pcall
local function remove(keys)
  local removed = pcall('UNLINK', unpack(keys))
  if type(removed) == 'table' then removed = call('DEL', unpack(keys)) end
  return removed
end
local function bytesOf(key) return call('MEMORY', 'USAGE', key) or 0 end
local function weigh(bytes) weight = weight + bytes; weighed = weighed + 1 end
local function means(key)
  if call('EXISTS', key) == 0 then return false end
  if action == 'expire' and call('TTL', key) ~= -1 then return false end
  if idle >= 0 and (call('OBJECT', 'IDLETIME', key) or -1) < idle then return false end
  if least < 0 then return true end
  local bytes = bytesOf(key)
  return bytes >= least, bytes
end
local function treat(keys, most)
  for place, key in ipairs(keys) do
    if meant >= most then return place - 1 end
    local meansIt, bytes = means(key)
    if meansIt then
      meant = meant + 1
      if bytes or weighed < toWeigh then weigh(bytes or bytesOf(key)) end
      if mode == 'act' and action == 'remove' then remove({key}) end
      if mode == 'act' and action == 'expire' then call('EXPIRE', key, ttl + math.floor(ttl * 0.1 * place / #keys)) end
    end
  end
  return #keys
end
`;

const none = -1;

/** What {@link treatInLua} takes of ARGV. */
export const treatArguments = (
  { action, minIdleSeconds, minBytes, ttlSeconds }: KeyTreatment,
  mode: Mode,
  toWeigh: number,
): (string | number)[] => [action, mode, minIdleSeconds ?? none, minBytes ?? none, ttlSeconds, toWeigh];

/** Of what scripts count: how many were meant, and the bytes of so many that were weighed. */
export const treated = (changed: number, weight: number, weighed: number): Treated => {
  return { changed, bytes: weighed === 0 ? 0 : Math.round((weight / weighed) * changed) };
};
