import { createHash } from 'node:crypto';
import type { RedisNode } from './client.js';
import type { DoRound, RoundOptions } from './rounds.js';
import { sendAll } from './send.js';
import { meansAll, treatArguments, treated, treatInLua, weighedABatch } from './treatment.js';

/**
 * Scans and treats within the server, so that no name crosses the wire. A step that finds more than may be changed leaves
 * the cursor before it.
 */
const script = `${treatInLua}
local cursor, pattern, all = ARGV[7], ARGV[8], ARGV[9] == 'all'
local steps, most = tonumber(ARGV[10]), tonumber(ARGV[11])
local seen, cut = 0, 0
local function treatAll(keys)
  local allowed = math.min(#keys, most - meant)
  for place = allowed + 1, #keys do keys[place] = nil end
  for place = 1, math.min(allowed, toWeigh - weighed) do weigh(bytesOf(keys[place])) end
  if allowed > 0 then meant = meant + remove(keys) end
  return allowed
end
repeat
  local scanned = call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 100)
  local keys = scanned[2]
  local found = #keys
  local looked = all and treatAll(keys) or treat(keys, most)
  seen = seen + looked
  if looked < found then cut = 1 else cursor = scanned[1] end
  steps = steps - 1
until cut == 1 or cursor == '0' or steps <= 0
return {cursor, seen, meant, weight, weighed, cut}`;
const sha = createHash('sha1').update(script).digest('hex');

/** How long one call may keep the server: others wait for it, unless the whole of its time was given away. */
const [sharedMs, aloneMs] = [2, 5];
const [firstSteps, mostSteps] = [2, 100];

/**
 * Rounds of one call each. The server's own clock says how long it took (no longer than we waited, whoever sets that clock
 * meanwhile), and the next one takes as many steps as fit.
 */
export function scriptedRounds(node: RedisNode, { clock, pattern, treatment, dutyCycle }: RoundOptions): DoRound {
  const targetMs = dutyCycle === 1 ? aloneMs : sharedMs;
  const which = meansAll(treatment) ? 'all' : 'some';
  const fixed = treatArguments(treatment, 'act', weighedABatch);
  let steps = firstSteps;
  return async (from, most) => {
    const startedAt = clock.monotonic();
    const limits = [steps, Math.min(most, Number.MAX_SAFE_INTEGER)];
    const call = (...named: [command: 'EVALSHA' | 'EVAL', text: string]) =>
      sendAll(node, [['TIME'], [...named, 0, ...fixed, from, pattern, which, ...limits], ['TIME']]);
    const [before, answer, after] = await call('EVALSHA', sha).catch((error: unknown) => {
      if (!/^NOSCRIPT\b/.test((error as Error).message)) throw error;
      return call('EVAL', script);
    });
    const busyMs = clamp(milliseconds(after) - milliseconds(before), 0, clock.monotonic() - startedAt);
    steps = Math.round(clamp(steps * clamp(targetMs / busyMs, 0.5, 2), 1, mostSteps));
    const [next, ...counts] = (answer as unknown[]).map(String);
    const [seen = 0, changed = 0, weight = 0, weighed = 0, cut] = counts.map(Number);
    const cutShort = cut === 1;
    const at = String(next);
    return { ...treated(changed, weight, weighed), seen, next: at, isLast: at === '0' && !cutShort, cutShort, busyMs };
  };
}

const milliseconds = (time: unknown): number => {
  const [seconds, microseconds] = (time as unknown[]).map(Number);
  return (seconds ?? 0) * 1_000 + (microseconds ?? 0) / 1_000;
};
const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);
