import type { Clock } from '@dotmac/core';
import { nodesOf, usedMemory, type RedisClient, type RedisNode } from './client.js';
import { removeKeys } from './remove-keys.js';
import { meansAll, treatKeys, type KeyTreatment } from './treat-keys.js';

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
export interface SweepOptions {
  clock: Clock;
  signal: AbortSignal;
  /** As `MATCH` of SCAN takes it. */
  pattern: string;
  treatment: KeyTreatment;
  /** The share of time that the servers may be kept at it; in between they are left alone. */
  dutyCycle: number;
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

const scanSize = 1_000;
const done = 'done';
/** Shorter rests are saved up: no timer is that exact. */
const leastRestMs = 4;

/**
 * Treats the keys that match, node by node, in rounds that each keep a server for about two milliseconds. The next keys
 * are scanned while the last ones are treated.
 */
export async function sweepKeys(client: RedisClient, options: SweepOptions): Promise<Swept> {
  const nodes = await nodesOf(client);
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
  const { clock, signal, treatment, dutyCycle, remaining = () => Infinity, onBatch } = options;
  let scanning = scan(node, cursor[node.id] ?? '0', options.pattern);
  let owedMs = 0;
  for (;;) {
    signal.throwIfAborted();
    const startedAt = clock.monotonic();
    const { next, keys } = await scanning;
    const allowed = keys.slice(0, Math.max(0, remaining()));
    const cutShort = allowed.length < keys.length;
    const isLast = next === '0' || cutShort;
    if (!isLast) scanning = scan(node, next, options.pattern);
    scanning.catch(() => undefined);
    const treated = meansAll(treatment)
      ? await removeKeys(node, allowed)
      : await treatKeys(node, allowed, treatment, 'act');
    owedMs += (clock.monotonic() - startedAt) * (1 / dutyCycle - 1);
    if (!cutShort) cursor[node.id] = next === '0' ? done : next;
    const goOn = await onBatch({ ...treated, seen: allowed.length, cursor: { ...cursor } });
    if (isLast) return !cutShort;
    if (!goOn) return false;
    if (owedMs < leastRestMs) continue;
    await clock.sleep(owedMs, signal);
    owedMs = 0;
  }
}

async function scan(node: RedisNode, from: string, pattern: string): Promise<{ next: string; keys: Buffer[] }> {
  const answer = await node.client.callBuffer('SCAN', from, 'MATCH', pattern, 'COUNT', scanSize);
  const [next, keys] = answer as [Buffer, Buffer[]];
  return { next: String(next), keys: unlike(keys) };
}

/** SCAN may show a key twice. */
function unlike(keys: readonly Buffer[]): Buffer[] {
  return [...new Map(keys.map((key) => [key.toString('latin1'), key])).values()];
}

/** Keys that a count remembers, so as not to count one twice. */
const mostRemembered = 1_000_000;

/** What a sweep would find. Not exact past a million keys. */
export interface CountedKeys {
  keys: number;
  bytes: number;
  exact: boolean;
  sample: string[];
}

/** Counts the keys that a sweep would change, and changes none. */
export async function countKeys(
  client: RedisClient,
  { clock, signal, pattern, treatment, dutyCycle }: Omit<SweepOptions, 'onBatch' | 'cursor' | 'remaining'>,
): Promise<CountedKeys> {
  const counted: CountedKeys = { keys: 0, bytes: 0, exact: true, sample: [] };
  for (const node of await nodesOf(client)) {
    const remembered = new Set<string>();
    let from = '0';
    do {
      signal.throwIfAborted();
      const startedAt = clock.monotonic();
      const { next, keys } = await scan(node, from, pattern);
      const fresh = keys.filter((key) => !remembered.has(key.toString('latin1')));
      if (remembered.size < mostRemembered) for (const key of fresh) remembered.add(key.toString('latin1'));
      else counted.exact = false;
      const { changed, bytes } = await treatKeys(node, fresh, treatment, 'count');
      counted.keys += changed;
      counted.bytes += bytes;
      // With conditions nobody says which keys they hold for.
      if (meansAll(treatment)) counted.sample.push(...fresh.slice(0, 10 - counted.sample.length).map(String));
      from = next;
      const restMs = (clock.monotonic() - startedAt) * (1 / dutyCycle - 1);
      if (from !== '0' && restMs >= leastRestMs) await clock.sleep(restMs, signal);
    } while (from !== '0');
  }
  return counted;
}
