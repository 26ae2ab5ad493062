import { wireOf } from '@dotmac/core/contract';
import type { MaintenanceStore, RunListing } from '../store/store.js';
import type { AnyMaintenanceTask } from '../tasks/task.js';

/**
 * The details of a tenant's newest completed runs of a task, dry runs left out; the newest first.
 * @param which only those of a machine or process, or older than the run of an id
 */
export async function earlierDetails(
  store: MaintenanceStore,
  tenantId: string,
  task: AnyMaintenanceTask,
  limit: number,
  which: Pick<RunListing, 'scopeId' | 'before'> = {},
): Promise<unknown[]> {
  const runs = await store
    .runs(tenantId)
    .list({ ...which, limit, task: task.type, status: 'completed', applied: true });
  return runs
    .map(({ details }) => wireOf(task.details).parse(details))
    .flatMap((parsed) => (parsed.ok ? [parsed.value] : []));
}
