import { describeError, type Clock, type Logger, type StopSignal } from '@dotmac/core';
import { createParentAsking } from '../dependencies/ask-parents.js';
import type { EndpointStatus } from '../endpoints/endpoint.js';
import type { Recorder } from '../history/recorder.js';
import type { HealthMetrics } from '../metrics.js';
import type { ProbeResult } from '../probes/judge.js';
import { createAsking, type Found } from './asking.js';
import { CheckJob } from './check-job.js';
import type { ClockSteps } from './clock-steps.js';
import type { Connectivity } from './connectivity.js';
import { redate, type Directory, type KeptEndpoint } from './directory.js';
import { firstLookAt, nextLookAt, recheckMs } from './due.js';
import type { Limits } from './fair-queue.js';
import { ownTrouble } from './own-trouble.js';
import { policyOf } from './policy.js';
import type { Prepare } from './prepare.js';
import { createProbing } from './probing.js';
import { createSchedule } from './schedule.js';
import { isAvailable, isUndecided, observe } from './status.js';

/** Checks every endpoint of a directory, each on its own interval. */
export interface Monitor {
  /**
   * Takes up an endpoint, or takes up what was changed of it. A paused one is left alone; one of many waits for its own
   * slot, lest all are checked at once. A check that is due sooner stays so; one of which results disagree is checked soon,
   * and one whose probe asked to look again is then, after a restart too.
   */
  watch(kept: KeptEndpoint, isOneOfMany?: boolean): void;
  /** Whether so many endpoints are too many to be checked at once: more than there are places. */
  isMany(count: number): boolean;
  forget(endpointId: string): void;
  /**
   * Takes what somebody else found out for a check. Of a second's traffic the first of each kind counts for the status,
   * and goes into a ring; all of it is summed up. What is older than the last check is summed up alone. When
   * it leaves the status in doubt and nothing more comes, a check does soon.
   * @param at when it was found out, epoch ms; not later than now
   */
  take(kept: KeptEndpoint, result: ProbeResult, at: number): void;
  /** When an endpoint is checked next, as far as that is planned; epoch ms. */
  nextCheckOf(endpointId: string): number | null;
  /** Checks an endpoint as soon as a place is free, and resolves with what was found; undefined when it was stopped. */
  checkNow(kept: KeptEndpoint): Promise<Found>;
  /** Begins to check what it is asked to; what is found is handed over, as long as it does not {@link lead}. */
  start(): void;
  /** Checks every endpoint on its interval from now on, and judges what is found. */
  lead(): void;
  /** Leaves that to another process. What is under way is nobody's any more. */
  standBy(): void;
  /** For how long the check has been due that is due longest and has not begun, ms; 0 when none is due. */
  overdueMs(): number;
  /** Takes no more, waits for running checks, then aborts them. */
  stop(): Promise<void>;
}

/** What a monitor works with. */
export interface MonitorOptions {
  directory: Directory;
  /** Makes an endpoint ready to be probed. */
  prepare: Prepare;
  recorder: Pick<Recorder, 'record'>;
  /** Takes what was found while another process monitors. */
  handOver: (kept: KeptEndpoint, result: ProbeResult, at: number) => void;
  /** Tells the loss of our own network; without it, that looks like everybody else's trouble. */
  connectivity?: Connectivity | undefined;
  metrics: HealthMetrics | undefined;
  clock: Clock;
  steps: ClockSteps;
  logger: Logger;
  limits: Limits;
}

/** Of so much traffic the first of each kind counts. */
const heardMs = 1_000;

/** Far beyond what a check that was asked for takes, in the queue and by itself. */
const longestWaitMs = 3_600_000;

/** Makes a monitor. An endpoint is never checked twice at once. */
export function createMonitor(options: MonitorOptions): Monitor {
  const { directory, prepare, recorder, handOver, connectivity, metrics, clock, steps, logger, limits } = options;
  const trouble = ownTrouble(clock);
  const schedule = createSchedule<CheckJob>({ clock, limits, onLag: (lagMs) => metrics?.late(lagMs) });
  metrics?.observe(() => schedule.figures);
  const probing = createProbing({ prepare, clock });
  const asking = createAsking();
  let isRunning = false;
  let isLeading = false;
  /** What the host has told of an endpoint within this second. */
  const heard = new WeakMap<KeptEndpoint, { second: number; statuses: Set<EndpointStatus> }>();
  // Whoever monitors has dated what is known.
  steps.onSet((byMs) => {
    if (isLeading) for (const kept of directory.all()) redate(kept, byMs);
  });
  const parents = createParentAsking({
    lookup: (id) => directory.get(id),
    plan: (parent, at) => schedule.plan(new CheckJob(parent), at),
    isUnderWay: (id) => schedule.runs(id),
  });
  /** What a result makes of an endpoint, however it came. */
  const conclude = (kept: KeptEndpoint, result: ProbeResult, at: number): void => {
    if (!isLeading) return handOver(kept, result, at);
    const { endpoint } = kept;
    const before = { status: kept.status, checkedAt: kept.checkedAt, isFlapping: kept.isFlapping };
    const { code, responseTimeMs, message } = result;
    const observed = observe(kept, { status: result.status, responseTimeMs, at }, policyOf(endpoint));
    if (observed !== kept) Object.assign(kept, observed);
    kept.responseTimeMs = responseTimeMs;
    kept.code = code;
    kept.message = message;
    kept.checkedAt = at;
    parents.looked(kept, at);
    if (kept.worse > 0 || (before.status !== kept.status && !isAvailable(kept.status))) parents.ask(kept, at);
    metrics?.checked(endpoint.serviceType, result);
    // Wherever a result is spread, it comes last: what is added to one makes a hidden class each time.
    recorder.record(kept, { at, ...result }, before);
  };
  const check = async ({ kept }: CheckJob, signal: StopSignal): Promise<number | null> => {
    const { endpoint } = kept;
    const wasLeading = isLeading;
    const weigh = trouble.watch(endpoint.timeout * 1_000);
    const weighed = weigh(await probing.probe(kept, signal));
    const result = connectivity ? await connectivity.weigh(weighed) : weighed;
    // Stopped, removed, changed, paused or left to another process meanwhile: this result is nobody's.
    if (signal.aborted || directory.get(endpoint.id) !== kept || isLeading !== wasLeading) {
      asking.answer(endpoint.id, undefined);
      return null;
    }
    steps.look();
    const at = clock.now();
    kept.lookAgainAt = result.lookAgainAt ?? null;
    conclude(kept, result, at);
    asking.answer(endpoint.id, { at, ...result });
    if (endpoint.pausedAt !== null || !isLeading) return null;
    return isUndecided(kept) ? at + recheckMs(kept) : nextLookAt(kept, at);
  };
  const isMany = (count: number): boolean => count > limits.total;
  const watch = (kept: KeptEndpoint, isOneOfMany = false): void => {
    const { id, pausedAt } = kept.endpoint;
    const plannedAt = schedule.plannedAt(id) ?? Infinity;
    schedule.cancel(id);
    if (pausedAt !== null) return asking.answer(id, undefined);
    // Who does not monitor checks what was asked for alone.
    if (!isLeading) return asking.isAsked(id) ? schedule.plan(new CheckJob(kept), clock.now()) : undefined;
    schedule.plan(new CheckJob(kept), Math.min(plannedAt, firstLookAt(kept, isOneOfMany, clock.now())));
  };

  /** Traffic tells more than a check does: one that is to settle a doubt waits until there is none for a while. */
  const postpone = (kept: KeptEndpoint): void => {
    const { id } = kept.endpoint;
    const now = clock.now();
    if (asking.isAsked(id) || schedule.runs(id) || (schedule.plannedAt(id) ?? now) <= now) return;
    schedule.cancel(id);
    const soon = isUndecided(kept) ? now + recheckMs(kept) + heardMs : Infinity;
    schedule.plan(new CheckJob(kept), Math.min(soon, nextLookAt(kept, now)));
  };

  return {
    watch,
    isMany,
    overdueMs: () => (isRunning ? schedule.figures.overdueMs : 0),
    nextCheckOf: (endpointId) => (isRunning ? schedule.plannedAt(endpointId) : null),
    forget(endpointId) {
      schedule.cancel(endpointId);
      probing.forget(endpointId);
      parents.forget(endpointId);
      asking.answer(endpointId, undefined);
    },
    take(kept, result, at) {
      if (kept.endpoint.pausedAt !== null) return;
      steps.look();
      const before = { status: kept.status, checkedAt: kept.checkedAt, isFlapping: kept.isFlapping };
      if (isLeading && at < (kept.checkedAt ?? at)) {
        recorder.record(kept, { at, ...result }, before, true);
        return;
      }
      const second = Math.floor(at / heardMs);
      let known = heard.get(kept);
      if (known?.second !== second) heard.set(kept, (known = { second, statuses: new Set() }));
      if (!known.statuses.has(result.status)) {
        known.statuses.add(result.status);
        const wasUndecided = isUndecided(kept);
        conclude(kept, result, at);
        if (isLeading && (wasUndecided || isUndecided(kept))) postpone(kept);
        return;
      }
      // How long it has had its status, whoever monitors knows.
      recorder.record(kept, { at, ...result }, isLeading ? before : { ...before, checkedAt: null }, true);
      if (isLeading) kept.checkedAt = at;
    },
    async checkNow(kept) {
      if (!isRunning) return undefined;
      // The schedule's timers do not hold the process open, and whoever asked is waiting.
      const answered = new AbortController();
      clock.sleep(longestWaitMs, answered.signal).catch(() => undefined);
      const asked = asking.wait(kept.endpoint.id);
      schedule.plan(new CheckJob(kept), clock.now());
      return asked.finally(() => answered.abort());
    },
    start() {
      isRunning = true;
      trouble.start();
      schedule.start((job, signal) =>
        check(job, signal).catch((error: unknown) => {
          logger.error({ endpointId: job.id, ...describeError(error) }, 'a check failed in a way that nobody foresaw');
          return clock.now() + job.kept.endpoint.checkInterval * 1_000;
        }),
      );
    },
    lead() {
      const all = [...directory.all()];
      for (const kept of all) {
        const { checkedAt } = kept;
        // Nothing was found out yet that is to come: it was dated by a clock that was set since, or is another.
        if (checkedAt !== null) redate(kept, Math.min(steps.since(checkedAt), clock.now() - checkedAt));
      }
      isLeading = true;
      const areMany = isMany(all.filter(({ checkedAt }) => checkedAt === null).length);
      for (const kept of all) watch(kept, areMany);
    },
    standBy() {
      isLeading = false;
      parents.forget();
      for (const { endpoint } of directory.all()) schedule.cancel(endpoint.id);
      asking.end();
    },
    async stop() {
      isRunning = false;
      trouble.stop();
      await schedule.stop();
      asking.end();
    },
  };
}
