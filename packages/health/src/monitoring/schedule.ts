import { drain, timeHeap, type CancelTimer, type Clock } from '@dotmac/core';
import { fairQueue, type Job, type Limits } from './fair-queue.js';

/** Runs a job; resolves with when it is due next (epoch ms), or null for never. Must not reject. */
export type RunJob<Item extends Job> = (job: Item, signal: AbortSignal) => Promise<number | null>;

/** What runs when: one heap, one timer, and a queue of what is due. */
export interface Schedule<Item extends Job> {
  /**
   * Makes a job due at `at` (epoch ms), or earlier if it is planned earlier already. A job that runs is run again
   * afterwards: the same job never runs twice at once.
   */
  plan(job: Item, at: number): void;
  /** Forgets a job, planned or waiting; one that runs ends, and is not planned again. */
  cancel(id: string): void;
  /** When a job is due, epoch ms; null for one that is not planned, or runs. */
  plannedAt(id: string): number | null;
  start(run: RunJob<Item>): void;
  /** Takes no more, waits for what runs, then aborts it. */
  stop(): Promise<void>;
  readonly figures: { planned: number; waiting: number; running: number };
}

/** What a schedule is made with. */
export interface ScheduleOptions {
  clock: Clock;
  limits: Limits;
  /** Told how late each job begins. */
  onLag?: (lagMs: number) => void;
  /** How long `stop` waits before it aborts what runs. Default 5,000 ms. */
  graceMs?: number;
}

interface Entry<Item> {
  /** On the monotonic clock, like every instant kept here: a step of the wall clock neither delays nor hurries a job. */
  at: number;
  job: Item;
}

/** Makes a schedule. Nothing runs before `start()`. */
export function createSchedule<Item extends Job>(options: ScheduleOptions): Schedule<Item> {
  const { clock, limits, onLag, graceMs = 5_000 } = options;
  const heap = timeHeap<Entry<Item>>();
  /** The one valid heap entry of each planned job. */
  const planned = new Map<string, Entry<Item>>();
  const due = fairQueue<Item>(limits);
  /** When each job that waits in the queue was due. */
  const dueAt = new Map<string, number>();
  const running = new Map<string, { work: Promise<void>; abort: AbortController }>();
  /** What was asked for while the job ran: when, or null when it was cancelled. */
  const meanwhile = new Map<string, Entry<Item> | null>();
  let run: RunJob<Item> | undefined;
  let cancelTimer: CancelTimer = () => undefined;
  let armedFor = Infinity;

  const monotonicOf = (at: number): number => clock.monotonic() + at - clock.now();
  const enqueue = (job: Item, at: number): void => {
    const waitsSince = dueAt.get(job.id);
    if (waitsSince !== undefined && waitsSince <= at) return;
    const known = planned.get(job.id);
    if (known && known.at <= at) return;
    const entry = { at, job };
    planned.set(job.id, entry);
    heap.push(entry);
    // Stale entries are dropped once they are the most of the heap.
    if (heap.size > 2 * planned.size + 64) heap.retain((it) => planned.get(it.job.id) === it);
  };
  const arm = (): void => {
    if (!run) return;
    let top = heap.peek();
    for (; top && planned.get(top.job.id) !== top; top = heap.peek()) heap.pop();
    const at = top?.at ?? Infinity;
    if (at === armedFor) return;
    cancelTimer();
    armedFor = at;
    if (top) cancelTimer = clock.after(Math.max(0, at - clock.monotonic()), fire);
  };
  const fire = (): void => {
    armedFor = Infinity;
    const now = clock.monotonic();
    for (let top = heap.peek(); top && top.at <= now; top = heap.peek()) {
      heap.pop();
      if (planned.get(top.job.id) !== top) continue;
      planned.delete(top.job.id);
      dueAt.set(top.job.id, top.at);
      due.add(top.job);
    }
    pump();
    arm();
  };
  const pump = (): void => {
    if (!run) return;
    for (let job = due.take(); job; job = due.take()) begin(job, run);
  };
  const begin = (job: Item, runJob: RunJob<Item>): void => {
    const now = clock.monotonic();
    onLag?.(Math.max(0, now - (dueAt.get(job.id) ?? now)));
    dueAt.delete(job.id);
    // One of its own: listeners on a signal that outlives them are a chain that only a full collection cuts.
    const abort = new AbortController();
    const work = runJob(job, abort.signal).then((nextAt) => {
      running.delete(job.id);
      due.done(job);
      const asked = meanwhile.get(job.id);
      meanwhile.delete(job.id);
      if (asked !== null && nextAt !== null) enqueue(asked?.job ?? job, monotonicOf(nextAt));
      if (asked) enqueue(asked.job, asked.at);
      pump();
      arm();
    });
    running.set(job.id, { work, abort });
  };

  return {
    plan(job, wallAt) {
      const at = monotonicOf(wallAt);
      if (running.has(job.id)) {
        const asked = meanwhile.get(job.id);
        meanwhile.set(job.id, { job, at: Math.min(at, asked?.at ?? Infinity) });
        return;
      }
      enqueue(job, at);
      arm();
    },
    cancel(id) {
      planned.delete(id);
      due.remove(id);
      dueAt.delete(id);
      if (running.has(id)) meanwhile.set(id, null);
    },
    plannedAt(id) {
      const at = planned.get(id)?.at ?? dueAt.get(id);
      return at === undefined ? null : Math.round(at - clock.monotonic() + clock.now());
    },
    start(runJob) {
      if (run) return;
      run = runJob;
      armedFor = Infinity;
      pump();
      arm();
    },
    async stop() {
      run = undefined;
      cancelTimer();
      armedFor = Infinity;
      const last = [...running.values()];
      const abort = (): void => {
        for (const it of last) it.abort.abort();
      };
      await drain(
        clock,
        last.map(({ work }) => work),
        { graceMs, abort: { abort } },
      );
    },
    get figures() {
      return { planned: planned.size, waiting: due.waiting, running: running.size };
    },
  };
}
