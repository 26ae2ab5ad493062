import { z } from 'zod';
import { stages, type Stage } from './customers/stage.js';
import { serviceStatus, type ServiceStatus } from './services/instance.js';
import type { TenantStore } from './store/store.js';

const counts = <Name extends string>(names: readonly Name[]) =>
  z.object(Object.fromEntries(names.map((name) => [name, z.int()])) as Record<Name, z.ZodInt>);

/** Figures of one tenant's lifecycle. */
export const lifecycleStatus = z
  .object({
    totalCustomers: z.int().meta({ description: 'Without the deleted ones' }),
    customersByStage: counts(stages),
    servicesByStatus: counts(serviceStatus.options),
  })
  .meta({ id: 'LifecycleStatus' });

/** @see lifecycleStatus */
export type LifecycleStatus = z.output<typeof lifecycleStatus>;

/** Counts customers and services. */
export async function readStatus({ customers, services }: TenantStore): Promise<LifecycleStatus> {
  const [byStage, byStatus] = await Promise.all([customers.countByStage(), services.countByStatus()]);
  const fill = <Name extends string>(names: readonly Name[], given: Partial<Record<Name, number>>) =>
    Object.fromEntries(names.map((name) => [name, given[name] ?? 0])) as Record<Name, number>;
  const customersByStage: Record<Stage, number> = fill(stages, byStage);
  const servicesByStatus: Record<ServiceStatus, number> = fill(serviceStatus.options, byStatus);
  const totalCustomers = stages.reduce((sum, name) => sum + (name === 'deleted' ? 0 : customersByStage[name]), 0);
  return { totalCustomers, customersByStage, servicesByStatus };
}
