import { defineErrors } from '@dotmac/core';

/** What maintenance may answer, besides the errors of core. */
export const maintenanceErrors = defineErrors({
  RUN_NOT_FOUND: {
    kind: 'not_found',
    message: ({ id }: { id: string }) => `There is no run ${id}.`,
  },
  TASK_ALREADY_RUNNING: {
    kind: 'conflict',
    message: ({ task }: { task: string }) => `The task ${task} is running already.`,
    hint: 'Wait until its run has ended: GET /infrastructure-maintenance/status lists what is active.',
  },
  MAINTENANCE_STOPPED: {
    kind: 'unavailable',
    message: (_: Record<never, never>) => 'Maintenance is shutting down and takes no more work.',
  },
  TABLE_NOT_MAINTAINABLE: {
    kind: 'conflict',
    message: ({ policy, reason }: { policy: string; reason: string }) =>
      `The policy ${policy} cannot be applied: ${reason}.`,
    hint: 'The host application registers tables in code; see the retention policies given to createMaintenance.',
  },
  ROOT_NOT_SAFE: {
    kind: 'conflict',
    message: ({ policy, reason }: { policy: string; reason: string }) =>
      `The directory of the policy ${policy} is not touched: ${reason}.`,
  },
  CACHE_NOT_REACHABLE: {
    kind: 'unavailable',
    message: ({ policy }: { policy: string }) => `The cache of the policy ${policy} did not answer.`,
  },
});
