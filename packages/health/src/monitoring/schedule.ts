import { drain, Stop, timeHeap, type CancelTimer, type Clock, type StopSignal } from '@dotmac/core';
import { fairQueue, type Limits } from './fair-queue.js';
import type { Job } from './job.js';

/** Runs a job; resolves with when it is due next (epoch ms), or null for never. Must not reject. */
export type RunJob<Item extends Job> = (job: Item, signal: StopSignal) => Promise<number | null>;

/** How a schedule is doing. */
export interface ScheduleFigures {
  planned: number;
  /** Due, and waiting for a place. */
  waiting: number;
  running: number;
  /** For how long the job has been due that is due longest of those that do not run; 0 when none is due. */
  overdueMs: number;
}

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
  /** Whether a job runs. */
  runs(id: string): boolean;
  start(run: RunJob<Item>): void;
  /** Takes no more, waits for what runs, then aborts it. */
  stop(): Promise<void>;
  readonly figures: ScheduleFigures;
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

/** A job in its course: one for each, used over and over. */
interface Task<Item> {
  /** When it is or was due, on the monotonic clock: a step of the wall clock neither delays nor hurries a job. */
  at: number;
  job: Item;
  /** `stale` is what the heap still has of one that was cancelled, or is due earlier now. */
  phase: 'planned' | 'due' | 'running' | 'stale';
  /** While it runs: what it is stopped by, and its end. */
  running: { stop: Stop; work: Promise<void> } | undefined;
  /** What was asked for while it ran: when, or null when it was cancelled. */
  meanwhile: { at: number; job: Item } | null | undefined;
}

/** A timer comes so long after the one before at the least: what is due in between begins together, and costs less. */
const togetherMs = 10;

/** Makes a schedule. Nothing runs before `start()`. */
export function createSchedule<Item extends Job>(options: ScheduleOptions): Schedule<Item> {
  const { clock, limits, onLag, graceMs = 5_000 } = options;
  const heap = timeHeap<Task<Item>>();
  const tasks = new Map<string, Task<Item>>();
  const due = fairQueue<Item>(limits);
  let run: RunJob<Item> | undefined;
  let cancelTimer: CancelTimer = () => undefined;
  let armedFor = Infinity;
  let firedAt = -Infinity;

  const monotonicOf = (at: number): number => clock.monotonic() + at - clock.now();
  const push = (task: Task<Item>): void => {
    heap.push(task);
    // Stale ones are dropped once they are the most of the heap.
    if (heap.size > 2 * tasks.size + 64) heap.retain(({ phase }) => phase === 'planned');
  };
  const enqueue = (job: Item, at: number): void => {
    const known = tasks.get(job.id);
    if (known && (known.phase === 'due' || known.at <= at)) return;
    // Its place in the heap is that of another time.
    if (known) known.phase = 'stale';
    const task: Task<Item> = { at, job, phase: 'planned', running: undefined, meanwhile: undefined };
    tasks.set(job.id, task);
    push(task);
  };
  const nextPlanned = (): Task<Item> | undefined => {
    let top = heap.peek();
    for (; top?.phase === 'stale'; top = heap.peek()) heap.pop();
    return top;
  };
  const overdueMs = (): number => {
    const longest = due.longest;
    const since = Math.min(nextPlanned()?.at ?? Infinity, (longest && tasks.get(longest.id)?.at) ?? Infinity);
    return Math.max(0, clock.monotonic() - since);
  };
  const arm = (isAsked = false): void => {
    if (!run) return;
    const top = nextPlanned();
    if (!top) return;
    // What was asked for at once does not wait for company.
    const at = isAsked ? top.at : Math.max(top.at, firedAt + togetherMs);
    if (at >= armedFor) return;
    cancelTimer();
    armedFor = at;
    cancelTimer = clock.after(Math.max(0, at - clock.monotonic()), fire);
  };
  const fire = (): void => {
    armedFor = Infinity;
    const now = clock.monotonic();
    firedAt = now;
    for (let top = heap.peek(); top && top.at <= now; top = heap.peek()) {
      heap.pop();
      if (top.phase === 'stale') continue;
      top.phase = 'due';
      due.add(top.job);
    }
    pump();
    arm();
  };
  const pump = (): void => {
    if (!run) return;
    for (let job = due.take(); job; job = due.take()) begin(tasks.get(job.id) as Task<Item>, run);
  };
  const begin = (task: Task<Item>, runJob: RunJob<Item>): void => {
    onLag?.(Math.max(0, clock.monotonic() - task.at));
    task.phase = 'running';
    const stop = new Stop();
    task.running = { stop, work: runJob(task.job, stop).then((nextAt) => end(task, nextAt)) };
  };
  const end = (task: Task<Item>, nextAt: number | null): void => {
    const { job, meanwhile } = task;
    due.done(job);
    task.running = task.meanwhile = undefined;
    const planned = meanwhile === null || nextAt === null ? Infinity : monotonicOf(nextAt);
    const at = Math.min(planned, meanwhile?.at ?? Infinity);
    if (at === Infinity) tasks.delete(job.id);
    else {
      task.at = at;
      task.job = meanwhile?.job ?? job;
      task.phase = 'planned';
      push(task);
    }
    pump();
    arm();
  };

  return {
    plan(job, wallAt) {
      const at = monotonicOf(wallAt);
      const known = tasks.get(job.id);
      if (known?.phase === 'running') {
        known.meanwhile = { job, at: Math.min(at, known.meanwhile?.at ?? Infinity) };
        return;
      }
      enqueue(job, at);
      arm(at <= clock.monotonic());
    },
    cancel(id) {
      const known = tasks.get(id);
      if (known?.phase === 'running') known.meanwhile = null;
      if (!known || known.phase === 'running') return;
      known.phase = 'stale';
      due.remove(id);
      tasks.delete(id);
    },
    plannedAt(id) {
      const known = tasks.get(id);
      return !known || known.phase === 'running' ? null : Math.round(known.at - clock.monotonic() + clock.now());
    },
    runs: (id) => tasks.get(id)?.phase === 'running',
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
      const last = [...tasks.values()].flatMap(({ running }) => running ?? []);
      const abort = (): void => {
        for (const { stop } of last) stop.abort();
      };
      await drain(
        clock,
        last.map(({ work }) => work),
        { graceMs, abort: { abort } },
      );
    },
    get figures() {
      const { waiting, running } = due;
      return { planned: tasks.size - waiting - running, waiting, running, overdueMs: overdueMs() };
    },
  };
}
