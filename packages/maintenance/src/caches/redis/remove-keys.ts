import type { RedisArgument, RedisNode } from './client.js';
import { sendAll } from './send.js';
import { bySlot } from './slot.js';
import type { Treated } from './treat-keys.js';

const weighedABatch = 5;

/** Removes keys whatever they are: by UNLINK, which frees them beside the server's other work, or by DEL where that is missing. */
export async function removeKeys(node: RedisNode, keys: readonly Buffer[]): Promise<Treated> {
  if (keys.length === 0) return { changed: 0, bytes: 0 };
  const weighing = keys.slice(0, weighedABatch).map((key): RedisArgument[] => ['MEMORY', 'USAGE', key]);
  const groups = node.cluster ? bySlot(keys) : [keys];
  const remove = (command: 'UNLINK' | 'DEL') =>
    sendAll(node, [...weighing, ...groups.map((group): RedisArgument[] => [command, ...group])]);
  const answers = await remove('UNLINK').catch((error: unknown) => {
    if (!/unknown command/i.test(String(error))) throw error;
    return remove('DEL');
  });
  const sum = (some: unknown[]): number => some.reduce<number>((total, it) => total + Number(it ?? 0), 0);
  const changed = sum(answers.slice(weighing.length));
  const bytes = Math.round((sum(answers.slice(0, weighing.length)) / weighing.length) * changed);
  return { changed, bytes };
}
