import type { StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { ServiceAccess, ServiceInstance } from '../services/instance.js';
import { operationOf, operations } from '../services/operation.js';
import type { Run } from './run.js';

/** Runs of a service that are looked back at. */
const mostRuns = 50;

/** Was a run left where it was, so that nobody knows what its service gives? */
export function isStopped({ operation, status }: Pick<Run, 'operation' | 'status'>): boolean {
  return status === 'cancelled' && operations[operation].whenCancelled === 'left';
}

/**
 * What runs of a service that were stopped were to have it give, since one was completed.
 * @param run the one before which that is; without an `id`, all count
 */
export async function stoppedBefore(
  { store }: Pick<LifecycleContext, 'store'>,
  run: Pick<Run, 'tenantId' | 'serviceId'> & { id?: string },
  trx?: StoreTransaction,
): Promise<ServiceAccess[]> {
  const latest = await store.tenant(run.tenantId).runs.listFor(run.serviceId, mostRuns, undefined, trx);
  return givenBy(latest.filter(({ id }) => id !== run.id));
}

/**
 * What runs were to have their service give that were stopped since the last one that was completed; one that came to nothing
 * in between, as taking down does that is called off, makes nothing of it known.
 * @param runs of one service, newest first by their ids: clocks of processes differ, but not for one customer's changes
 */
export function givenBy(runs: readonly Run[]): ServiceAccess[] {
  const newestFirst = [...runs].sort((a, b) => b.createdAt - a.createdAt);
  const known = newestFirst.findIndex(({ status }) => status === 'completed');
  return newestFirst.slice(0, known < 0 ? undefined : known).flatMap(meant);
}

/** What a service may give after a run, from what it gave before to what it was to give; undefined: it is known. */
export function mayGiveAfter(
  run: Run,
  { access }: ServiceInstance,
  before: readonly ServiceAccess[],
): readonly ServiceAccess[] | undefined {
  return run.status === 'completed' ? undefined : [access, ...before, ...meant(run)];
}

function meant(run: Pick<Run, 'operation' | 'status'>): ServiceAccess[] {
  const { access } = operationOf(run.operation).leaves;
  return isStopped(run) && access ? [access] : [];
}
