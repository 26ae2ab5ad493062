import type { RedisArgument, RedisNode } from './client.js';
import { sendAll } from './send.js';
import { bySlot } from './slot.js';

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

/**
 * Looks at each key again and acts on it in one step of the server's: a key that was written since it was scanned is
 * not idle any more. `count` acts on none. Gives back how many were meant, and what the weighed ones of them take.
 */
const script = `
local action, idle, least, ttl, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local meant, weight, weighed = 0, 0, 0
for place, key in ipairs(KEYS) do
  local wanted = redis.call('EXISTS', key) == 1
  if wanted and ARGV[6] == 'expire' then wanted = redis.call('TTL', key) == -1 end
  if wanted and idle >= 0 then wanted = (redis.call('OBJECT', 'IDLETIME', key) or -1) >= idle end
  local bytes = nil
  if wanted and least >= 0 then
    bytes = redis.call('MEMORY', 'USAGE', key) or 0
    wanted = bytes >= least
  end
  if wanted then
    meant = meant + 1
    if not bytes and weighed < most then bytes = redis.call('MEMORY', 'USAGE', key) or 0 end
    if bytes then weight = weight + bytes; weighed = weighed + 1 end
    if action == 'remove' then
      if type(redis.pcall('UNLINK', key)) == 'table' then redis.call('DEL', key) end
    elseif action == 'expire' then
      redis.call('EXPIRE', key, ttl + math.floor(ttl * 0.1 * place / #KEYS))
    end
  end
end
return {meant, weight, weighed}`;

const weighedABatch = 5;
const none = -1;

/** Whether every key that matches is meant, whatever became of it since: no need to look twice. */
export const meansAll = ({ action, minIdleSeconds, minBytes }: KeyTreatment): boolean =>
  action === 'remove' && minIdleSeconds === null && minBytes === null;

/** Acts on keys that were scanned on a node; or, to `count`, on none. */
export async function treatKeys(
  node: RedisNode,
  keys: readonly Buffer[],
  treatment: KeyTreatment,
  mode: 'count' | 'act',
): Promise<Treated> {
  if (keys.length === 0) return { changed: 0, bytes: 0 };
  const groups = node.cluster ? bySlot(keys) : [keys];
  const perGroup = Math.max(1, Math.floor(weighedABatch / groups.length));
  const { action, minIdleSeconds, minBytes, ttlSeconds } = treatment;
  const commands = groups.map((group, place): RedisArgument[] => [
    ...['EVAL', script, group.length, ...group, mode === 'act' ? action : 'count'],
    ...[minIdleSeconds ?? none, minBytes ?? none, ttlSeconds, place < weighedABatch ? perGroup : 0, action],
  ]);
  const answers = (await sendAll(node, commands)).map((it) => (it as unknown[]).map(Number));
  const [changed, weight, weighed] = [0, 1, 2].map((part) => answers.reduce((sum, it) => sum + (it[part] ?? 0), 0));
  return { changed: changed ?? 0, bytes: weighed ? Math.round(((weight ?? 0) / weighed) * (changed ?? 0)) : 0 };
}
