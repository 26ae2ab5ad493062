import { describeError, isOperationError, type CancelTimer } from '@dotmac/core';
import { maintenanceErrors } from '../errors.js';
import type { MaintenanceStore } from '../store/store.js';
import type { AnyMaintenanceTask, PlanContext, TaskContext, TaskScope } from '../tasks/task.js';
import type { Load, Pressure } from '../throttle/pressure.js';
import type { Asked, Confirmed } from './confirmed.js';
import { earlierDetails } from './earlier.js';
import { exclusively } from './exclusively.js';
import { resourceKey, type ScopeIds } from './lease-keys.js';
import { reached, type RunLimits } from './limits.js';
import { createPulse } from './pulse.js';
import type { RunEnd } from './outcome.js';
import type { Run, StopReason } from './run.js';
import type { TargetSize } from './targets.js';

/** What one run is made of. */
export interface ExecutionParts extends Omit<PlanContext, 'asOf' | 'tenantId' | 'signal' | 'earlier' | 'fencing'> {
  run: Run;
  task: AnyMaintenanceTask;
  /** Whose things it works on. */
  scope: TaskScope;
  limits: RunLimits;
  store: MaintenanceStore;
  pressure: Pressure;
  scopeIds: ScopeIds;
  leaseTtlMs: number;
  /** As many of a target may go unasked, whatever share of it they are. */
  unaskedItems: number;
  /** What there is to do by target, of the plan that it applies. */
  foreseen: ReadonlyMap<string, TargetSize>;
  confirmed: Confirmed;
  /** Aborts when the lease on the task is lost, or the process stops. */
  lease: AbortSignal;
  /** Aborts when the process stops. */
  stopping: AbortSignal;
}

/** A run that is under way. */
export interface Execution {
  readonly context: TaskContext;
  /** Waits while the application is under pressure; false when the run is to end before its work has begun. */
  ready(): Promise<boolean>;
  /**
   * How it ends now, for good.
   * @param error what its task threw
   */
  ending(error?: unknown): RunEnd;
  cancel(): void;
  /** Nothing more is kept of it. */
  close(): void;
}

const beatMs = 1_000;
/** A run that has nothing new to say says that it is there yet: when its process has died, others know since when. */
const stillMs = 60_000;
/** What is not cut short when its time is up: the batch under way, and what comes after the last one. */
const graceMs = 30_000;
const defaultShare = 0.5;

/** Puts together what a task is given, and keeps what it says. */
export function createExecution(parts: ExecutionParts): Execution {
  const { run, task, scope: own, limits, store, pressure, scopeIds, leaseTtlMs, lease, stopping, ...given } = parts;
  const { foreseen, confirmed, unaskedItems, ...shared } = given;
  const { clock, logger } = shared;
  const pulse = createPulse(clock, run.cursors);
  const startedAt = clock.monotonic();
  const toEnd = new AbortController();
  const signal = AbortSignal.any([lease, toEnd.signal]);
  const asked = new Map<string, Asked>();
  let reason: StopReason | null = null;
  let closed = false;
  let keptAt = startedAt;
  let cancelBeat: CancelTimer = () => {};
  let cancelDeadline: CancelTimer = () => {};

  const end = (why: StopReason): void => {
    reason ??= why;
    toEnd.abort(maintenanceErrors.RUN_ENDED({ reason: why }));
  };
  const limit = (): StopReason | null => {
    const runtimeMs = clock.monotonic() - startedAt;
    return reached(limits, { now: clock.now(), runtimeMs, items: pulse.items, batches: pulse.batches });
  };
  /** Keeps how far it is, and hears whether it is to be cancelled: perhaps another process was asked. */
  const beat = async (): Promise<void> => {
    try {
      const now = clock.monotonic();
      const isToKeep = pulse.isNew || now - keptAt >= stillMs;
      if (isToKeep) keptAt = now;
      if (await store.runs(run.tenantId).pulse(run.id, isToKeep ? pulse.read() : null)) end('cancelled');
    } catch (error) {
      logger.warn({ runId: run.id, ...describeError(error) }, 'the progress of a run could not be kept');
    }
  };
  const beatAgain = (): void => {
    cancelBeat = clock.after(beatMs, () => void beat().finally(() => !closed && !signal.aborted && beatAgain()));
  };
  beatAgain();
  if (limits.runtimeMs !== undefined) cancelDeadline = clock.after(limits.runtimeMs + graceMs, () => end('time'));

  const isOver = (): boolean => {
    reason ??= limit();
    return reason !== null || signal.aborted;
  };

  const noted = new Set<string>();
  const tell = ({ pressing, unreadable }: Load): void => {
    for (const { name, says } of pulse.pause(pressing)) if (says !== null) pulse.note(`Paused: ${name} ${says}.`);
    for (const name of unreadable) {
      const waits = pressing.some((it) => it.name === name);
      const rule = waits ? 'the run waits until it can be' : 'the run goes on without it';
      if (!noted.has(name)) pulse.note(`The signal ${name} cannot be read: ${rule}.`);
      noted.add(name);
    }
  };
  /** False when the work is to end because it lasts. */
  const eased = async (database?: string): Promise<boolean> => {
    if (!task.heedsPressure) return true;
    if (await pressure.relief({ signal, tell, isOver, database }).catch(() => true)) return true;
    if (!isOver()) pulse.note('Ended for now: the pressure did not go.');
    reason ??= 'pressure';
    return false;
  };
  /** False when no batch is to follow. */
  const relief = async (database?: string): Promise<boolean> => {
    if (isOver()) return false;
    return (await eased(database)) && !isOver();
  };
  /** The same without a wait. */
  const isBearable = async (database?: string): Promise<boolean> => {
    const isHigh = task.heedsPressure && (await pressure.isHigh({ signal, database }).catch(() => false));
    return !isHigh && !isOver();
  };

  const sizeOf = (target: string, planned: number | null, toSee: number | null): TargetSize => {
    const plan = foreseen.get(target);
    return { planned: planned ?? plan?.planned ?? null, toSee: toSee ?? plan?.toSee ?? null };
  };

  const contextOn = (database?: string): TaskContext => ({
    ...shared,
    get isOver() {
      return isOver();
    },
    runId: run.id,
    hostId: scopeIds.host,
    tenantId: run.tenantId,
    asOf: run.asOf,
    signal,
    fencing: (database) => store.fencing(database),
    note: (message) => pulse.note(message),
    earlier: (limit, scopeId) => earlierDetails(store, run.tenantId, task, limit, { scopeId, before: run.id }),
    exclusively: (resource, work, scope = own) =>
      exclusively(
        // Whose work it goes on with may have died a moment ago, and hold the resource for a moment longer than the task.
        { store, clock, leaseTtlMs, signal, patienceMs: run.resumes === null ? 0 : leaseTtlMs },
        resourceKey(resource, scopeIds[scope]),
        work,
      ),
    async relief() {
      if (!signal.aborted && !(await eased(database))) end(reason ?? 'pressure');
      signal.throwIfAborted();
    },
    onDatabase: async (name, { waits = true } = {}) =>
      (await (waits ? relief(name) : isBearable(name))) ? contextOn(name) : null,
    expect(target, planned) {
      if (run.cursors[target]?.done === true) return;
      pulse.expect(target, planned === 0 ? { planned, toSee: null } : sizeOf(target, planned, null));
    },
    async target({ target, planned, total, gone, estimated = false, toSee = null, maxShare = defaultShare, seen = 0 }) {
      const { cursor, done: isDone = false } = run.cursors[target] ?? {};
      const all = planned === null ? null : (gone ?? 0) + planned;
      const isFree = total === null || maxShare >= 1;
      const most = isFree ? Infinity : Math.floor(Math.max(unaskedItems, total * maxShare, confirmed(target)));
      const ask = (items: number): Asked => {
        const asking = { target, planned: items, total: total ?? 0 };
        asked.set(target, asking);
        return asking;
      };
      // Of one that is done nothing more goes, whatever has come since.
      if (all !== null && all > most && !isDone) throw maintenanceErrors.CONFIRMATION_NEEDED(ask(all));
      // A plan has foreseen nothing of a target that is come to again.
      const size = gone === undefined ? sizeOf(target, planned, toSee) : { planned, toSee };
      if (!isDone) pulse.begin(target, size, seen);
      // What was not counted before is counted as it goes.
      let unasked = estimated ? most - (gone ?? 0) : Infinity;
      return {
        cursor,
        isDone,
        get remaining() {
          return Math.max(0, Math.min(unasked, (limits.items ?? Infinity) - pulse.items));
        },
        async advance(batch) {
          pulse.count(target, batch);
          unasked -= batch.cleaned;
          // Who may take no more asks for nothing.
          if (unasked >= 1 || limit() === 'items') return relief(database);
          ask(most);
          return false;
        },
        async keep(cursor) {
          pulse.keep(target, cursor);
          return relief(database);
        },
        done() {
          asked.delete(target);
          pulse.done(target);
        },
      };
    },
  });

  const stopReason = (error: unknown): StopReason | null => {
    const isAsking = asked.size > 0 && (error === undefined || isOperationError(error, 'CONFIRMATION_NEEDED'));
    if (isAsking && !signal.aborted) return 'unconfirmed';
    if (reason !== null) return reason;
    if (lease.aborted) return stopping.aborted ? 'stopped' : 'lease_lost';
    return error === undefined ? null : 'error';
  };

  return {
    context: contextOn(),
    ready: () => relief(),
    ending(error) {
      const why = stopReason(error);
      const endedAt = clock.now();
      const waits = { runId: run.id, asked: [...asked.values()] };
      return { stopReason: why, pulse: pulse.read(), returnedBytes: pulse.bytes, endedAt, ...waits };
    },
    cancel: () => end('cancelled'),
    close() {
      // A beat that is under way is not to set the next.
      closed = true;
      cancelBeat();
      cancelDeadline();
    },
  };
}
