import { wireOf } from '@dotmac/core/contract';
import type { MaintenanceStore } from '../store/store.js';
import type { AnyMaintenanceTask } from '../tasks/task.js';

/**
 * The details of a tenant's newest completed runs of a task, dry runs left out; the newest first.
 * @param before only runs older than the one of this id
 */
export async function earlierDetails(
  store: MaintenanceStore,
  tenantId: string,
  task: AnyMaintenanceTask,
  limit: number,
  before?: string,
): Promise<unknown[]> {
  const runs = await store.runs(tenantId).list({ limit, before, task: task.type, status: 'completed', applied: true });
  return runs
    .map(({ details }) => wireOf(task.details).parse(details))
    .flatMap((parsed) => (parsed.ok ? [parsed.value] : []));
}
