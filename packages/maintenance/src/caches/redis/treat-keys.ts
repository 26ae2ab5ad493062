import type { RedisArgument, RedisNode } from './client.js';
import { sendAll } from './send.js';
import { bySlot } from './slot.js';
import {
  meansAll,
  meansLasting,
  spreadTtl,
  treatArguments,
  treated,
  treatInLua,
  weighedABatch,
  type KeyTreatment,
  type Mode,
  type Treated,
} from './treatment.js';

/** Acts on keys that were scanned on a node; or, to `count`, on none. */
export async function treatKeys(
  node: RedisNode,
  keys: readonly Buffer[],
  treatment: KeyTreatment,
  mode: Mode,
): Promise<Treated> {
  if (keys.length === 0) return { changed: 0, bytes: 0 };
  const groups = node.cluster ? bySlot(keys) : [keys];
  if (meansAll(treatment)) return treatAll(node, groups, mode);
  if (!meansLasting(treatment)) return judgeEach(node, groups, treatment, mode);
  return letExpire(node, keys, treatment, mode).catch((error: unknown) => {
    if (!knowsNoNx.test(String(error))) throw error;
    return judgeEach(node, groups, treatment, mode);
  });
}

/** Before Redis 7, EXPIRE takes no condition. */
const knowsNoNx = /wrong number of arguments for '?expire|unsupported option|syntax error/i;

/** Keys without a time to live get one, in one step of the server's each. No script is needed. */
async function letExpire(
  node: RedisNode,
  keys: readonly Buffer[],
  { ttlSeconds }: KeyTreatment,
  mode: Mode,
): Promise<Treated> {
  const commands = keys.map((key, place): RedisArgument[] =>
    mode === 'count' ? ['TTL', key] : ['EXPIRE', key, spreadTtl(ttlSeconds, place, keys.length), 'NX'],
  );
  const answers = await sendAll(node, commands);
  return { changed: answers.filter((it) => Number(it) === (mode === 'count' ? -1 : 1)).length, bytes: 0 };
}

/**
 * Keys that are meant whatever they are: no script is needed. They go by UNLINK, which frees them beside the server's other
 * work, or by DEL where that is missing.
 */
async function treatAll(node: RedisNode, groups: readonly (readonly Buffer[])[], mode: Mode): Promise<Treated> {
  const weighing = groups
    .flat()
    .slice(0, weighedABatch)
    .map((key): RedisArgument[] => ['MEMORY', 'USAGE', key]);
  const send = (command: 'EXISTS' | 'UNLINK' | 'DEL') =>
    sendAll(node, [...weighing, ...groups.map((group): RedisArgument[] => [command, ...group])]);
  const answers = await send(mode === 'count' ? 'EXISTS' : 'UNLINK').catch((error: unknown) => {
    if (mode === 'count' || !/unknown command/i.test(String(error))) throw error;
    return send('DEL');
  });
  const changed = sum(answers.slice(weighing.length));
  return treated(changed, sum(answers.slice(0, weighing.length)), weighing.length);
}

const judging = `${treatInLua}
treat(KEYS, #KEYS)
return {meant, weight, weighed}`;

/** Each key is looked at again in the step that acts on it. */
async function judgeEach(
  node: RedisNode,
  groups: readonly (readonly Buffer[])[],
  treatment: KeyTreatment,
  mode: Mode,
): Promise<Treated> {
  const perGroup = Math.max(1, Math.floor(weighedABatch / groups.length));
  const commands = groups.map((group, place): RedisArgument[] => [
    ...['EVAL', judging, group.length, ...group],
    ...treatArguments(treatment, mode, place < weighedABatch ? perGroup : 0),
  ]);
  const answers = (await sendAll(node, commands)) as unknown[][];
  const [changed, weight, weighed] = [0, 1, 2].map((part) => sum(answers.map((it) => it[part])));
  return treated(changed ?? 0, weight ?? 0, weighed ?? 0);
}

const sum = (some: readonly unknown[]): number => some.reduce<number>((total, it) => total + Number(it ?? 0), 0);
