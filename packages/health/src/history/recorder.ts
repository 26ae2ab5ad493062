import { setImmediate as nextTurn } from 'node:timers/promises';
import { describeError, type CancelTimer, type Logger } from '@dotmac/core';
import type { KeptEndpoint, KeptState } from '../monitoring/directory.js';
import { isUndecided } from '../monitoring/status.js';
import type { ProbeResult } from '../probes/judge.js';
import type { HandedResult } from '../store/sharing.js';
import type { Handed } from '../store/store.js';
import { isOver } from '../incidents/open-close.js';
import { isLeaseLost, unlessFenced } from './fenced.js';
import { createRota } from './rota.js';
import { createSettler, type SettlerOptions } from './settler.js';
import { createSuspects } from './suspects.js';
import { tellTurn } from './tell-turn.js';

/** Brings what checks found out into the store, without a check ever waiting for it. */
export interface Recorder {
  /** Notes a check; `before` is how the endpoint was before it. One that is just summed up goes into no ring. */
  record(
    kept: KeptEndpoint,
    result: ProbeResult & { at: number },
    before: Pick<KeptState, 'status' | 'checkedAt' | 'isFlapping'>,
    isSummed?: boolean,
  ): void;
  /** An endpoint's state was changed by another than a check, and is settled soon. */
  touch(endpointId: string): void;
  /** About so many results that others handed over, each once. */
  readHanded(count: number): Promise<HandedResult[]>;
  /** One of them was judged just now: it leaves the store with what it came to, as soon as a change of status is stored. */
  judged(handed: Handed): void;
  /**
   * Resolves when all that was noted of these endpoints, or of all, is in the store, for who reads it there. Rejects when it
   * cannot be stored; not when this process stood still until its lease was over: what it noted then is nobody's, or is
   * stored once it has the lease again, and what is stored is what there is to read. The same goes for what the store
   * refuses of one endpoint.
   */
  flush(endpointIds?: readonly string[]): Promise<void>;
  /** The same of changes of status alone: resolves when all that were noted are in the store, as {@link flush} does. */
  showChanges(): Promise<void>;
  /** How long ago all was stored that was to be: about a second while the store takes it. */
  unstoredMs(): number;
  /** Forgets what waits: another process monitors, and goes on from what is stored. */
  drop(): void;
  start(): void;
  stop(): Promise<void>;
}

/** What a recorder works with. Minutes summed up wait in memory within the same bound as results. */
export type RecorderOptions = SettlerOptions & { logger: Logger };

const tickMs = 1_000;
/** Longer, and more would be lost with the process; shorter, and the same few pages would be written over and over. */
const settleMs = 60_000;
const longestWaitMs = settleMs + 5_000;
const stopAttempts = 3;
/** A few milliseconds of SQLite's, which holds up everything else meanwhile. */
const settledAtOnce = 50;
/** Suspects are tried until so many were refused: each may take as long as a database waits for a lock. */
const mostRefused = 10;
/** The share of what waits that one endpoint's changes may be: what is refused may go on for ever. */
const shareOfOne = 0.1;

/**
 * Makes a recorder. An endpoint is settled, its state with its results and sums up to it, once a minute, and at once
 * when its status changes or is in doubt; the event of a change goes in the same transaction. So a process that dies
 * loses a minute of history at the most, and no change. While the store is out of reach all wait in memory, within a
 * bound. What it refuses though it answers is tried again in halves, until the one endpoint is found whose fault it is:
 * that one waits, and the others are stored.
 */
export function createRecorder(options: RecorderOptions): Recorder {
  const { store, directory, clock, logger, metrics, maxPending } = options;
  const suspects = createSuspects();
  const settler = createSettler(options, { kept: suspects.acquit, lost: suspects.accuse });
  const { results, buckets, changes, handed } = settler;
  const rota = createRota(directory, settleMs);
  /** Changes that were told to nobody since that was last logged. */
  let droppedChanges = 0;
  /** When all was stored that was to be, on the monotonic clock; null while nothing is. */
  let storedAt: number | null = null;
  /** Whether the store has taken anything in the look that is under way. */
  let hasStored = false;
  let cancelTimer: CancelTimer | undefined;
  let flushing: Promise<void> | undefined;
  /**
   * What is written last. One after another, for whether a settlement was kept is told by the last that was: one that was
   * written meanwhile would answer for it.
   */
  let last: Promise<void> = Promise.resolve();
  let stopped = false;

  const settle = async (endpointIds: readonly string[]): Promise<void> => {
    await settler.settle(endpointIds);
    hasStored = true;
  };
  const settleChanges = async (): Promise<void> => {
    for (;;) {
      const due = changes.due(settledAtOnce, suspects.has);
      if (due.length === 0) return;
      await settle(due);
    }
  };
  const settleDue = async (until: number): Promise<void> => {
    for (;;) {
      const due = buckets.due(until, settledAtOnce, suspects.has);
      if (due.length === 0) return;
      await settle(due);
      // On SQLite nothing in between waits for anything: let others have their turn.
      await nextTurn();
    }
  };
  const settleAll = async (endpointIds: readonly string[]): Promise<void> => {
    const ids = endpointIds.filter((id) => buckets.has(id) && !suspects.has(id));
    for (let at = 0; at < ids.length; at += settledAtOnce) {
      await settle(ids.slice(at, at + settledAtOnce));
      await nextTurn();
    }
  };
  /** Says whether the store took all of them. */
  const settleSuspects = async (): Promise<boolean> => {
    let refused = 0;
    for (const group of suspects.groups()) {
      if (refused === mostRefused) break;
      try {
        await settle(group);
        suspects.acquit(group);
      } catch (error) {
        if (isLeaseLost(error)) throw error;
        // Once each time: it goes on for as long as the store refuses it.
        if (refused++ === 0)
          logger.warn(
            { endpointId: group[0], endpoints: suspects.size, ...describeError(error) },
            'the store refuses what was found out about some endpoints, which waits in memory',
          );
      }
      await nextTurn();
    }
    return refused === 0;
  };
  const write = async (): Promise<void> => {
    await settler.resolveDoubt();
    hasStored = false;
    await settleChanges();
    if (!stopped) await settleAll(rota.turn(clock.monotonic()));
    // Whom the rota has missed: those that came in the middle of a round, or while the store was out of reach.
    await settleDue(stopped ? Infinity : clock.now() - longestWaitMs);
    // A store that takes nothing at all has not one endpoint's fault.
    const isAll = await settleSuspects();
    if (!stopped && (isAll || hasStored)) storedAt = clock.monotonic();
  };
  const unstoredMs = (): number => (storedAt === null ? 0 : clock.monotonic() - storedAt);
  metrics?.observePending(() => ({ results: results.size, minutes: buckets.size, unstoredMs: unstoredMs() }));
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
  const flush = (): Promise<void> => (flushing ??= inTurn(write).finally(() => (flushing = undefined)));
  const flushChanges = async (): Promise<void> => {
    await flushing?.catch(() => undefined); // It may have begun before the last record.
    if (settler.isInDoubt() || changes.size > 0) await flush();
  };
  const flushQuietly = (): Promise<void> =>
    flush().catch((error: unknown) =>
      logger.warn(
        { results: settler.waitingResults(), minutes: buckets.size, ...describeError(error) },
        'checks cannot be stored, and wait in memory',
      ),
    );
  const tick = async (): Promise<void> => {
    await flushQuietly();
    if (droppedChanges > 0)
      logger.error({ changes: droppedChanges }, 'changes of status were told to nobody: too many wait to be stored');
    droppedChanges = 0;
    if (cancelTimer) cancelTimer = clock.after(tickMs, () => void tick());
  };

  return {
    record(kept, { at, status, code, responseTimeMs, message, phases = {} }, before, isSummed = false) {
      const { id: endpointId, tenantId, checkInterval, timeout } = kept.endpoint;
      const result = { tenantId, endpointId, at, status, code, responseTimeMs, message, phases };
      const lost = isSummed ? 0 : results.add(kept, result);
      buckets.add(result, before, (2 * checkInterval + timeout) * 1_000);
      if (lost > 0 || buckets.size > maxPending) metrics?.dropped(lost + buckets.shrinkTo(maxPending));
      if (!isSummed && isUndecided(kept)) changes.add(endpointId);
      const hasChanged = kept.status !== before.status;
      const isTurned = hasChanged || kept.isFlapping !== before.isFlapping;
      if (!isTurned && !isOver(kept, kept.incident !== null)) return;
      changes.add(endpointId);
      if (changes.events < maxPending && changes.eventsOf(endpointId) < maxPending * shareOfOne) {
        changes.add(endpointId, tellTurn(kept, at, before));
      } else if (hasChanged) {
        droppedChanges++;
        metrics?.changeDropped();
      }
      void flushQuietly();
    },
    touch: (endpointId) => changes.add(endpointId),
    readHanded: (count) => handed.next((limit) => store.handed(limit), count),
    judged(one) {
      handed.add(one);
      changes.add(one.endpointId);
    },
    showChanges: () => unlessFenced(flushChanges),
    unstoredMs,
    async flush(endpointIds) {
      await unlessFenced(async () => {
        await flushChanges();
        await inTurn(() => (endpointIds ? settleAll(endpointIds) : settleDue(Infinity)));
      });
    },
    drop() {
      settler.drop();
      suspects.clear();
    },
    start() {
      stopped = false;
      storedAt = clock.monotonic();
      cancelTimer ??= clock.after(tickMs, () => void tick());
    },
    async stop() {
      stopped = true;
      storedAt = null;
      cancelTimer?.();
      cancelTimer = undefined;
      await last;
      // What waits is lost with the process, and a store that fails once may well answer a moment later.
      for (let attempt = 1; attempt <= stopAttempts && settler.isWaiting(); attempt++) await flushQuietly();
    },
  };
}
