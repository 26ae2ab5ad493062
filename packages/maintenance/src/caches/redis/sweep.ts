import type { RedisClient, RedisNode } from './client.js';
import { nodesOf, usedMemory } from './nodes.js';
import { leastRestMs, pipelinedRounds, type DoRound, type RoundOptions } from './rounds.js';
import { scriptedRounds } from './scripted-rounds.js';

/** Where a sweep has got to: the cursor of each node that it has begun; of one that is done, `done`. */
export type SweepCursor = Record<string, string>;

/** What came of one round. */
export interface SweptBatch {
  seen: number;
  changed: number;
  bytes: number;
  cursor: SweepCursor;
}

/** How a sweep is done. */
export interface SweepOptions extends RoundOptions {
  signal: AbortSignal;
  /** Where an earlier sweep stopped. */
  cursor?: SweepCursor | undefined;
  /** Keys that may still be changed; asked before each round. */
  remaining?: () => number;
  /** Told after each round; false ends the sweep. */
  onBatch: (batch: SweptBatch) => Promise<boolean>;
}

/** What a sweep came to. */
export interface Swept {
  seen: number;
  changed: number;
  /** Estimated from a sample. */
  bytes: number;
  /** Every node was scanned to its end. */
  finished: boolean;
  /** Of all nodes, before and after; others write meanwhile. Null where it may not be asked. */
  memoryBefore: number | null;
  memoryAfter: number | null;
}

const [start, done] = ['0', 'done'];

/** Treats the keys that match, node by node, in rounds that each keep a server for about two milliseconds. */
export async function sweepKeys(client: RedisClient, options: SweepOptions): Promise<Swept> {
  const nodes = await nodesOf(client, options);
  const cursor: SweepCursor = { ...options.cursor };
  const total = { seen: 0, changed: 0, bytes: 0, finished: true, memoryBefore: await usedMemory(nodes) };
  for (const node of nodes) {
    if (cursor[node.id] === done) continue;
    const onBatch = (batch: SweptBatch): Promise<boolean> => {
      total.seen += batch.seen;
      total.changed += batch.changed;
      total.bytes += batch.bytes;
      return options.onBatch(batch);
    };
    total.finished = await sweepNode(node, cursor, { ...options, onBatch });
    if (!total.finished) break;
  }
  return { ...total, memoryAfter: await usedMemory(nodes) };
}

async function sweepNode(node: RedisNode, cursor: SweepCursor, options: SweepOptions): Promise<boolean> {
  const { clock, signal, dutyCycle, remaining = () => Infinity, onBatch } = options;
  const doRound = roundsOf(node, options);
  let owedMs = 0;
  for (;;) {
    signal.throwIfAborted();
    const { seen, changed, bytes, ...round } = await doRound(cursor[node.id] ?? start, Math.max(0, remaining()));
    cursor[node.id] = round.isLast ? done : round.next;
    owedMs += round.busyMs * (1 / dutyCycle - 1);
    const goOn = await onBatch({ seen, changed, bytes, cursor: { ...cursor } });
    if (round.isLast) return true;
    if (round.cutShort || !goOn) return false;
    if (owedMs < leastRestMs) continue;
    await clock.sleep(owedMs, signal);
    owedMs = 0;
  }
}

/**
 * Rounds within the server, where its keys are on one node. Whatever a server refuses of these (scripts at all, or to scan
 * and write in one), the pipelines may still be allowed to do; where they are not, it is their error that counts.
 */
function roundsOf(node: RedisNode, options: SweepOptions): DoRound {
  const pipelined = pipelinedRounds(node, options);
  if (node.cluster) return pipelined;
  const scripted = scriptedRounds(node, options);
  let refused = false;
  return async (from, most) => {
    if (!refused)
      try {
        return await scripted(from, most);
      } catch (error) {
        if ((error as Error).name !== 'ReplyError') throw error;
        refused = true;
      }
    return pipelined(from, most);
  };
}
