import { timerWaker, type CancelTimer, type Clock, type Logger } from '@dotmac/core';
import type { Runner } from '../runs/runner.js';
import type { MaintenanceStore } from '../store/store.js';
import { runSlot } from './fire.js';
import { scheduleKey, tenantOf, type PlannedPart } from './planned.js';
import type { Presence, Present } from './presence.js';
import { momentOf, reckon, type Reckoning } from './reckon.js';
import type { Roster } from './roster.js';
import { isSameSlot, openOutcomes, type SlotOutcome, type SlotRecord } from './slot.js';
import { takeOver } from './take-over.js';
import type { TakenSlot } from './turn.js';

/** What the scheduler needs. */
export interface SchedulerOptions {
  roster: Roster;
  presence: Presence;
  store: MaintenanceStore;
  runner: Runner;
  clock: Clock;
  logger: Logger;
  leaseTtlMs: number;
  /** How often to look what others changed. Ms. */
  pollMs: number;
}

/** Fires the schedules of all tenants in this process. Of all processes on one store, one runs each slot. */
export interface Scheduler {
  readonly running: boolean;
  start(): void;
  /** Fires nothing more; what runs goes on, what waits to run is left to other processes, or to the next start. */
  stop(): void;
  /** Closes the slots that dead processes left open, and takes over those that are to begin, or to begin again, if it is running. */
  recover(): Promise<void>;
  /** Resolves when what was begun before `stop` has come to its end. */
  settled(): Promise<void>;
}

/** Is woken like a schedule, so that no timer is longer than a poll: a suspended machine is late by no more. */
const poll = 'poll';
/** Is woken at the start, when others wait no longer than they must, and when the store has failed a claim. */
const leftByOthers = 'left';
/** Changes of others that are younger than this may be overlooked by a slot that comes due. */
const freshMs = 1_000;
/** Slots that are written down when many were left out: the newest. */
const mostTold = 10;
const mostSchedules = 1_000_000;

/** @see Scheduler */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { roster, presence, store, clock, logger, pollMs } = options;
  // Tenants take turns: after a night's stop, one with thousands of schedules would keep the others waiting.
  const ownerOf = (key: string): string => (key === poll || key === leftByOthers ? '' : tenantOf(key));
  const waker = timerWaker({ clock, logger, maxWaiting: mostSchedules, ownerOf });
  /** Until when the slots of each schedule are dealt with, by the scopes of its parts. */
  const dealtWith = new Map<string, Map<string, number>>();
  const working = new Set<Promise<void>>();
  /** Lists of missed slots that the store cut short, by schedule and scope: until they are done, what was to follow in them waits. */
  const cutShort = new Map<string, Promise<void>>();
  /** The slots that this process is at, from before they are claimed. */
  const atWork = new Set<TakenSlot>();
  let recovering: Promise<void> = Promise.resolve();
  let running = false;
  let startedAt = 0;
  let polledAt = 0;
  let cancelPoll: CancelTimer = () => {};
  let stop = new AbortController();
  let leaving = new AbortController();
  let stopping: Promise<void> = Promise.resolve();

  const startOf = async ({ timetable, tenantId, name, scope, scopeId, effectiveAt }: PlannedPart, now: number) => {
    const since = effectiveAt ?? 0;
    // What is of one process was not missed before that was there.
    if (scope === 'process') return Math.max(since, startedAt);
    const { run, leftOut, until } = reckon(timetable, since, now);
    if (run.length === 0 && leftOut.length === 0) return until;
    const last = await store.slots(tenantId).latest(name, scopeId, now);
    return last === null && effectiveAt === null ? startedAt : Math.max(since, last ?? since);
  };

  const write = (planned: PlannedPart, { instance }: Present, slotAt: number, outcome: SlotOutcome) => {
    const { tenantId, name, scopeId, timetable } = planned;
    const now = clock.now();
    const endedAt = (openOutcomes as readonly string[]).includes(outcome) ? null : now;
    const nextAt = timetable.next(slotAt) ?? slotAt;
    const slot = { schedule: name, scopeId, slotAt, nextAt, outcome, instance, endedAt };
    return store.slots(tenantId).claim({ ...slot, runId: null, attempts: 0, claimedAt: now, message: null });
  };

  const untilStopped = (present: Present): Present => {
    return { ...present, signal: AbortSignal.any([present.signal, stop.signal]) };
  };
  const oneByOne = async (slots: readonly TakenSlot[], before?: Promise<void>): Promise<void> => {
    for (const slot of slots) atWork.add(slot);
    await before;
    for (const slot of slots) {
      await runSlot({ ...options, leaving: leaving.signal }, slot);
      atWork.delete(slot);
    }
  };
  /** It is this process's by the ledger, of whose answer it has not heard: nobody else would take it over. */
  const isForgotten = (slot: SlotRecord): boolean => running && ![...atWork].some((it) => isSameSlot(it, slot));
  const track = (work: Promise<void>): Promise<void> => {
    working.add(work);
    const forget = (): void => void working.delete(work);
    work.then(forget, forget);
    return work;
  };

  const listOf = ({ tenantId, schedule, scopeId }: Omit<TakenSlot, 'slotAt' | 'present'>): string =>
    JSON.stringify([tenantId, schedule, scopeId]);
  /** Runs slots of a list one after another, after those before them where the store has cut it short. */
  const follow = (list: string, slots: readonly TakenSlot[], isCut: boolean): void => {
    const before = cutShort.get(list);
    const work = slots.length > 0 ? track(oneByOne(slots, before)) : before;
    if (isCut) cutShort.set(list, work ?? Promise.resolve());
    else cutShort.delete(list);
  };

  const deal = async (planned: PlannedPart, { run, leftOut }: Reckoning): Promise<void> => {
    const { tenantId, name: schedule, scopeId } = planned;
    const list = listOf({ tenantId, schedule, scopeId });
    if (run.length === 0) cutShort.delete(list);
    if (run.length === 0 && leftOut.length === 0) return;
    const present = await presence.enter();
    if (planned.pausedAt !== null) {
      const all = [...leftOut, ...run].map(({ slotAt }) => slotAt).sort((a, b) => a - b);
      for (const slotAt of all.slice(-mostTold)) await write(planned, present, slotAt, 'paused');
      return;
    }
    for (const { slotAt, outcome } of leftOut.slice(-mostTold)) await write(planned, present, slotAt, outcome);
    // All are taken before the first begins: one process has them, and runs one after another.
    const taken: TakenSlot[] = [];
    let isWhole = false;
    try {
      for (const { slotAt } of run) {
        const slot = { tenantId, present: untilStopped(present), schedule, scopeId, slotAt };
        let isTaken = false;
        atWork.add(slot);
        try {
          isTaken = await write(planned, present, slotAt, 'waiting');
        } finally {
          if (isTaken) taken.push(slot);
          else atWork.delete(slot);
        }
      }
      isWhole = true;
    } finally {
      // It may have been claimed all the same.
      if (!isWhole) void waker.wake(leftByOthers, clock.now());
      // Nobody else runs them, though the store fails at the next.
      follow(list, taken, !isWhole);
    }
  };

  const recoverAlone = async (): Promise<void> => {
    const left = await presence.left(isForgotten);
    const present = running && left.length > 0 ? untilStopped(await presence.enter()) : null;
    for (const slots of await takeOver(options, left, present)) {
      const list = slots[0] && !slots[0].before?.failed ? listOf(slots[0]) : '';
      // A retry waits for its time alone.
      if (cutShort.has(list)) follow(list, slots, true);
      else void track(oneByOne(slots));
    }
  };
  /** One after another: what one has taken the next finds at work. */
  const recover = (): Promise<void> => {
    const recovery = recovering.then(recoverAlone);
    recovering = recovery.catch(() => undefined);
    return recovery;
  };

  const wakeAll = (at: number): void => {
    for (const { tenantId, name } of roster.all()) void waker.wake(scheduleKey(tenantId, name), at);
  };
  const lookAround = async (): Promise<void> => {
    // One that failed is repeated before the next is due.
    cancelPoll();
    // By no hour: the clock may be set back.
    if (running) cancelPoll = clock.after(pollMs, () => void waker.wake(poll, clock.now()));
    const now = clock.now();
    if (now < polledAt) wakeAll(now);
    polledAt = now;
    return roster.refresh();
  };

  const handle = async (key: string): Promise<void> => {
    if (key === poll) return lookAround();
    if (key === leftByOthers) return track(recover());
    await roster.refresh(freshMs);
    const planned = roster.get(key);
    if (!planned) return void dealtWith.delete(key);
    const now = clock.now();
    const until = dealtWith.get(key) ?? new Map<string, number>();
    const moments: number[] = [];
    for (const part of planned.parts) {
      const { timetable, scopeId } = part;
      // What lies ahead was dealt with by a clock that was fast: what was taken then is in the ledger.
      const since = Math.min(now, until.get(scopeId) ?? (await startOf(part, now)));
      const reckoning = reckon(timetable, since, now);
      await deal(part, reckoning);
      // It may have been changed meanwhile: then it was woken again.
      if (roster.get(key) !== planned) return;
      until.set(scopeId, reckoning.until);
      const next = timetable.next(reckoning.until);
      if (next !== null) moments.push(momentOf(timetable.firing(next)));
    }
    dealtWith.set(key, until);
    if (moments.length > 0) void waker.wake(key, Math.min(...moments));
  };

  roster.onChange((key) => {
    dealtWith.delete(key);
    if (running) void waker.wake(key, clock.now());
  });

  return {
    get running() {
      return running;
    },
    start() {
      if (running) return;
      running = true;
      stop = new AbortController();
      if (leaving.signal.aborted) leaving = new AbortController();
      dealtWith.clear();
      startedAt = clock.now();
      polledAt = startedAt;
      wakeAll(startedAt);
      void waker.wake(poll, startedAt);
      void waker.wake(leftByOthers, startedAt);
      void waker.start(handle);
    },
    stop() {
      if (!running) return;
      running = false;
      cancelPoll();
      stop.abort();
      stopping = waker.stop();
    },
    recover: () => track(recover()),
    async settled() {
      leaving.abort();
      await stopping;
      while (working.size > 0) await Promise.allSettled([...working]);
      await presence.leave();
    },
  };
}
