import { counter } from './counter.js';
import { hostPlaces } from './host-places.js';
import type { Job } from './job.js';
import { Line } from './line.js';

/** How many may run at once: in all, of one tenant, and towards one host. */
export interface Limits {
  total: number;
  perTenant: number;
  perHost: number;
}

/** A host by one of its spellings: `GW.example.com.` is `gw.example.com`, and `[::1]` is `::1`. */
export function hostAsOne(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

/** Jobs that are due, given out in turn: a tenant with thousands of them does not keep the others waiting. */
export interface FairQueue<Item extends Job> {
  readonly waiting: number;
  readonly running: number;
  /** The job that has waited longest. */
  readonly longest: Item | undefined;
  /** Adds a job; one that is waiting already stays where it is. */
  add(job: Item): void;
  /** Forgets a job that waits. */
  remove(id: string): void;
  /** The next job that may run, which then counts as running; undefined when none may. */
  take(): Item | undefined;
  /** Says that a job taken is over. */
  done(job: Item): void;
}

/**
 * Suspects begin while this share of their tenant's places is not taken, and they have not this share of all: the rest
 * stays free for who answers at once.
 */
const suspectsShare = 0.75;
/** However much a tenant has to do, its suspects are given this share: nobody would learn of their end, or their recovery. */
const suspectsLeast = 0.1;

/** A tenant's jobs in their order, each with its number; suspects apart. */
type Lines<Item> = Record<'plain' | 'suspect', Line<{ job: Item; turn: number }>>;

/**
 * Makes an empty queue. Tenants take turns, each with its jobs in their order; a job whose host is busy is set aside
 * until it is its tenant's turn there, and suspects leave a quarter of their tenant's places free, and of all. Every call
 * takes constant time, amortised, plus a look at each tenant that is at its limit.
 */
export function fairQueue<Item extends Job>(limits: Limits): FairQueue<Item> {
  const waiting = new Map<string, Item>();
  const tenants = new Map<string, Lines<Item>>();
  const runningOfTenant = counter();
  const suspectsOfTenant = counter();
  const runningSuspects = new Set<string>();
  const isWaiting = (job: Item): boolean => waiting.get(job.id) === job;
  /** With the jobs whose host is busy, out of their tenant's line. */
  const hosts = hostPlaces<Item>(limits.perHost, isWaiting);
  let running = 0;
  let turns = 0;

  const enqueue = (job: Item, front = false): void => {
    let lines = tenants.get(job.tenantId);
    if (!lines) tenants.set(job.tenantId, (lines = { plain: new Line(), suspect: new Line() }));
    const line = lines[job.isSuspect ? 'suspect' : 'plain'];
    if (front) line.addFirst({ job, turn: 0 });
    else line.add({ job, turn: ++turns });
  };
  /** Makes sure that the first of a line is one that waits, and whose host is free; its number, if there is one. */
  const firstOf = (line: Lines<Item>['plain']): number => {
    for (let { first } = line; first; { first } = line) {
      const { job, turn } = first;
      if (isWaiting(job) && hosts.isFree(job)) return turn;
      line.take();
      if (isWaiting(job)) hosts.wait(job);
    }
    return Infinity;
  };
  /** The next job of a tenant that may begin. */
  const nextOf = (tenantId: string, { plain, suspect }: Lines<Item>): Item | undefined => {
    const places = Math.min(limits.perTenant, limits.total);
    const hasRoom =
      runningSuspects.size < limits.total * suspectsShare &&
      (runningOfTenant.of(tenantId) < places * suspectsShare || suspectsOfTenant.of(tenantId) < places * suspectsLeast);
    const turn = firstOf(plain);
    if (!hasRoom || firstOf(suspect) >= turn) return plain.take()?.job;
    const job = suspect.take()?.job;
    if (job) {
      runningSuspects.add(job.id);
      suspectsOfTenant.add(tenantId, 1);
    }
    return job;
  };

  return {
    get waiting() {
      return waiting.size;
    },
    get running() {
      return running;
    },
    get longest() {
      // A Map's keys are in the order in which they were added.
      for (const job of waiting.values()) return job;
      return undefined;
    },
    add(job) {
      if (waiting.has(job.id)) return;
      waiting.set(job.id, job);
      enqueue(job);
    },
    remove(id) {
      const job = waiting.get(id);
      if (!job) return;
      waiting.delete(id);
      const next = hosts.forget(job);
      if (next) enqueue(next, true);
    },
    take() {
      if (running >= limits.total) return undefined;
      // Each tenant once, in the order of a Map's keys: who is served goes to the end.
      for (const [tenantId, lines] of tenants) {
        if (runningOfTenant.of(tenantId) >= limits.perTenant) continue;
        const job = nextOf(tenantId, lines);
        const hasMore = lines.plain.length > 0 || lines.suspect.length > 0;
        if (!hasMore) tenants.delete(tenantId);
        else if (job && tenants.size > 1) {
          tenants.delete(tenantId);
          tenants.set(tenantId, lines);
        }
        if (!job) continue;
        waiting.delete(job.id);
        running++;
        runningOfTenant.add(tenantId, 1);
        hosts.take(job);
        return job;
      }
      return undefined;
    },
    done({ id, tenantId, host }) {
      if (runningSuspects.delete(id)) suspectsOfTenant.add(tenantId, -1);
      running--;
      runningOfTenant.add(tenantId, -1);
      const next = hosts.leave(host);
      if (next) enqueue(next, true);
    },
  };
}
