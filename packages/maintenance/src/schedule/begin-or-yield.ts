import { holdLease, newId, type HeldLease } from '@dotmac/core';
import { queueKey } from '../runs/lease-keys.js';
import { howFailed, type Ending } from './ending.js';
import type { PlannedPart } from './planned.js';
import { tryBegin, whilePresent } from './try-begin.js';
import type { Begun, FireParts, Turn } from './turn.js';

/** How often a slot that waits for another run looks, and how long at most. */
const lookMs = 1_000;
const longestQueueMs = 86_400_000;
/** A run that is cancelled ends after its batch. */
const longestCancelMs = 600_000;

/** Begins a run; when another is at the task, does what the rules say. */
export async function beginOrYield(parts: FireParts, turn: Turn): Promise<Begun | Ending> {
  const { store, clock, leaseTtlMs } = parts;
  const begun = await tryBegin(parts, turn);
  if (!('busy' in begun)) return begun;
  const { tenantId, name, scopeId, timetable } = begun.busy;
  const { present, before } = turn.slot;
  // Of missed slots that are to run one after another, the run of the one before may be gone on with.
  const follows = before?.attempts === 0;
  if (timetable.rules.overlap === 'skip' && !follows) return inTheWay(turn, 'another run of its task was at it');
  if (timetable.rules.overlap === 'cancel') {
    await whilePresent(parts, turn, () => cancelOthers(parts, begun.busy));
    return wait(parts, begun.turn, longestCancelMs);
  }
  const options = { ttlMs: leaseTtlMs, clock, signal: present.signal, owner: newId() };
  const stand = (): Promise<HeldLease<Begun | Ending>> =>
    whilePresent(parts, turn, () =>
      holdLease(store.leases, queueKey(tenantId, name, scopeId), options, () =>
        wait(parts, begun.turn, longestQueueMs),
      ),
    );
  let queued = await stand();
  // Its place in the queue is a dead process's yet: that lease may last longer than the one by which it was found dead.
  for (const end = clock.monotonic() + leaseTtlMs; before && !queued.held && clock.monotonic() < end;) {
    await clock.sleep(lookMs, present.signal);
    queued = await stand();
  }
  return queued.held ? queued.result : inTheWay(turn, 'another slot was waiting already');
}

async function wait(parts: FireParts, turn: Turn, longestMs: number): Promise<Begun | Ending> {
  const { clock } = parts;
  let next = turn;
  for (const end = clock.monotonic() + longestMs; clock.monotonic() < end;) {
    await clock.sleep(lookMs, turn.slot.present.signal);
    const begun = await tryBegin(parts, next);
    if (!('busy' in begun)) return begun;
    next = begun.turn;
  }
  return inTheWay(turn, 'another run of its task did not end in time');
}

/** What came of a slot that others are in the way of: of one that has failed before, that is not all. */
function inTheWay({ failed }: Turn, what: string): Ending {
  const message = failed ? `${howFailed(failed)}, and ${what} at the next try.` : `${what.replace('a', 'A')}.`;
  return { outcome: 'overlap', message };
}

const mostCancelled = 50;

/** Asks the runs of a schedule's task to end, in whichever process they are. */
async function cancelOthers({ store, runner, clock }: FireParts, { tenantId, task, scopeId }: PlannedPart) {
  const runs = store.runs(tenantId);
  for (const run of await runs.list({ limit: mostCancelled, task: task.type, status: 'running', brief: true })) {
    if (run.scopeId !== scopeId || run.dryRun) continue;
    await runs.requestCancel(run.id, clock.now());
    runner.cancel(run.id);
  }
}
