/** What a queue needs to know of a job. */
export interface Job {
  readonly id: string;
  readonly tenantId: string;
  /** What it will connect to; jobs without one share no limit. */
  readonly host: string;
}

/** How many may run at once: in all, of one tenant, and towards one host. */
export interface Limits {
  total: number;
  perTenant: number;
  perHost: number;
}

/** Jobs that are due, given out in turn: a tenant with thousands of them does not keep the others waiting. */
export interface FairQueue<Item extends Job> {
  readonly waiting: number;
  readonly running: number;
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
 * Makes an empty queue. Tenants take turns, each with its jobs in their order; a job whose host is busy is set aside
 * until it is not. Every call takes constant time, amortised, plus a look at each tenant that is at its limit.
 */
export function fairQueue<Item extends Job>(limits: Limits): FairQueue<Item> {
  const waiting = new Map<string, Item>();
  const tenants = new Map<string, Item[]>();
  const runningOfTenant = counter();
  const runningOfHost = counter();
  /** Jobs whose host is busy, out of their tenant's line. */
  const aside = new Map<string, Item[]>();
  let running = 0;

  const enqueue = (job: Item, front = false): void => {
    const line = tenants.get(job.tenantId);
    if (!line) tenants.set(job.tenantId, [job]);
    else if (front) line.unshift(job);
    else line.push(job);
  };
  const setAside = (job: Item): void => {
    const line = aside.get(job.host);
    if (line) line.push(job);
    else aside.set(job.host, [job]);
  };
  /** The first job of a tenant whose host is free. */
  const firstOf = (line: Item[]): Item | undefined => {
    for (let job = line.shift(); job; job = line.shift()) {
      if (waiting.get(job.id) !== job) continue;
      if (job.host === '' || runningOfHost.of(job.host) < limits.perHost) return job;
      setAside(job);
    }
    return undefined;
  };

  return {
    get waiting() {
      return waiting.size;
    },
    get running() {
      return running;
    },
    add(job) {
      if (waiting.has(job.id)) return;
      waiting.set(job.id, job);
      enqueue(job);
    },
    remove: (id) => void waiting.delete(id),
    take() {
      if (running >= limits.total) return undefined;
      // Each tenant once, in the order of a Map's keys: who is served goes to the end.
      for (const [tenantId, line] of tenants) {
        if (runningOfTenant.of(tenantId) >= limits.perTenant) continue;
        const job = firstOf(line);
        tenants.delete(tenantId);
        if (line.length > 0) tenants.set(tenantId, line);
        if (!job) continue;
        waiting.delete(job.id);
        running++;
        runningOfTenant.add(tenantId, 1);
        runningOfHost.add(job.host, 1);
        return job;
      }
      return undefined;
    },
    done({ tenantId, host }) {
      running--;
      runningOfTenant.add(tenantId, -1);
      runningOfHost.add(host, -1);
      const line = aside.get(host);
      for (let job = line?.shift(); job; job = line?.shift())
        if (waiting.get(job.id) === job) {
          enqueue(job, true);
          break;
        }
      if (line?.length === 0) aside.delete(host);
    },
  };
}

function counter(): { of(key: string): number; add(key: string, change: number): void } {
  const counts = new Map<string, number>();
  return {
    of: (key) => counts.get(key) ?? 0,
    add(key, change) {
      const count = (counts.get(key) ?? 0) + change;
      if (count === 0) counts.delete(key);
      else counts.set(key, count);
    },
  };
}
