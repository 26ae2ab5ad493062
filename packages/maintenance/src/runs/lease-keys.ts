import { createHash } from 'node:crypto';
import type { TaskScope } from '../tasks/task.js';
import type { Run } from './run.js';

/** Whose things each scope is about: nothing for all processes, a machine's name, a process's own id. */
export type ScopeIds = Readonly<Record<TaskScope, string>>;

/** Whose things they are, when not this process's or its machine's; null when they are within reach. */
export function elsewhere(scopeIds: ScopeIds, scope: TaskScope, scopeId: string): string | null {
  if (scopeIds[scope] === scopeId) return null;
  return scope === 'host' ? `the host ${scopeId}` : `a ${scope}`;
}

/** What the names of all leases of maintenance begin with. */
export const leasePrefix = 'maintenance:';

/** Resources have names of any length and characters; a lease's key has not. */
const leaseKey = (...parts: string[]): string =>
  `${leasePrefix}${createHash('sha256').update(JSON.stringify(parts)).digest('base64url')}`;

/** One run of a task and tenant at a time; those that change nothing do not hinder the others. */
export function taskKey({ tenantId, task, scopeId, dryRun }: Pick<Run, 'tenantId' | 'task' | 'scopeId' | 'dryRun'>) {
  return leaseKey(dryRun ? 'plan' : 'task', tenantId, task, ...(scopeId === '' ? [] : [scopeId]));
}

/** A table, a directory: of all tenants. */
export function resourceKey(resource: string, scopeId: string): string {
  return leaseKey('resource', resource, ...(scopeId === '' ? [] : [scopeId]));
}

/** A process that fires schedules, by its place on its machine. */
export function presenceKey(place: string): string {
  return leaseKey('presence', place);
}

/** The one slot of a schedule that may wait for another to end. */
export function queueKey(tenantId: string, schedule: string, scopeId: string): string {
  return leaseKey('queue', tenantId, schedule, scopeId);
}

/** Who removes what is older than the history reaches, of all tenants. */
export const historyKey = leaseKey('history');
