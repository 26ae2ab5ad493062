import { counter } from './counter.js';
import type { Job } from './job.js';
import { Line } from './line.js';

/** Places towards hosts, and the jobs that wait for one: tenants take turns there too. */
export interface HostPlaces<Item extends Job> {
  /** Whether a job may begin: its host has a place, or has kept one for it. */
  isFree(job: Item): boolean;
  take(job: Item): void;
  /** Has a job wait for its host. */
  wait(job: Item): void;
  /** Gives a place back. It is kept for the job that is returned, if one waits. */
  leave(host: string): Item | undefined;
  /** Forgets a job that waits no longer. A place that was kept for it is kept for the job that is returned, if one waits. */
  forget(job: Item): Item | undefined;
}

/**
 * Makes places, as many towards each host. A job without a host needs none. A place that comes free is kept for one who
 * waits, of each tenant in its turn: whoever names a host that another tenant names too, a thousand times over, has that
 * one wait for a turn of his, and not for a thousand.
 */
export function hostPlaces<Item extends Job>(perHost: number, isWaiting: (job: Item) => boolean): HostPlaces<Item> {
  /** Those that are taken, and those that are kept. */
  const places = counter();
  /** The jobs that places are kept for. */
  const kept = new Set<string>();
  /** Those that wait, by host and tenant: who was served goes to the end. While there are some, every place is taken or kept. */
  const lines = new Map<string, Map<string, Line<Item>>>();

  const next = (host: string): Item | undefined => {
    const tenants = lines.get(host);
    for (const [tenantId, line] of tenants ?? []) {
      let job = line.take();
      while (job && !isWaiting(job)) job = line.take();
      tenants?.delete(tenantId);
      if (line.length > 0) tenants?.set(tenantId, line);
      if (job) return job;
    }
    return undefined;
  };
  const leave = (host: string): Item | undefined => {
    if (host === '') return undefined;
    const job = next(host);
    if (job) kept.add(job.id);
    else places.add(host, -1);
    if (lines.get(host)?.size === 0) lines.delete(host);
    return job;
  };
  return {
    isFree: ({ id, host }) => host === '' || kept.has(id) || places.of(host) < perHost,
    take({ id, host }) {
      if (host !== '' && !kept.delete(id)) places.add(host, 1);
    },
    wait(job) {
      const { host, tenantId } = job;
      let tenants = lines.get(host);
      if (!tenants) lines.set(host, (tenants = new Map()));
      let line = tenants.get(tenantId);
      if (!line) tenants.set(tenantId, (line = new Line()));
      line.add(job);
    },
    leave,
    forget: ({ id, host }) => (kept.delete(id) ? leave(host) : undefined),
  };
}
