import { defineErrors } from '@dotmac/core';

/** The errors of @dotmac/maintenance, by code. */
export const maintenanceErrors = defineErrors({
  RUN_NOT_FOUND: {
    kind: 'not_found',
    message: ({ runId }: { runId: string }) => `There is no maintenance run ${runId}.`,
  },
  TASK_ALREADY_RUNNING: {
    kind: 'conflict',
    message: ({ task }: { task: string }) => `The task ${task} is running already.`,
    hint: 'GET /infrastructure-maintenance/status shows what is running.',
  },
  MAINTENANCE_STOPPING: {
    kind: 'unavailable',
    message: (_: Record<never, never>) => 'Maintenance is stopping and takes no new work.',
  },
  RUN_DEADLINE_EXCEEDED: {
    kind: 'timeout',
    message: ({ limitSeconds }: { limitSeconds: number }) => `The run was ended after its ${limitSeconds} seconds.`,
  },
  TABLE_UNKNOWN: {
    kind: 'conflict',
    message: ({ policy, table }: { policy: string; table: string }) =>
      `The policy ${policy} names the table ${table}, which the database does not have.`,
    hint: 'Names are compared exactly, upper and lower case included.',
  },
  COLUMN_UNKNOWN: {
    kind: 'conflict',
    message: ({ policy, column }: { policy: string; column: string }) =>
      `The policy ${policy} names the column ${column}, which its table does not have, or not with a fitting type.`,
  },
  TABLE_WITHOUT_PRIMARY_KEY: {
    kind: 'conflict',
    message: ({ policy, table }: { policy: string; table: string }) =>
      `The table ${table} of the policy ${policy} has no primary key; rows are deleted only where each can be told apart.`,
  },
  TIME_COLUMN_NOT_INDEXED: {
    kind: 'conflict',
    message: ({ policy, column }: { policy: string; column: string }) =>
      `The policy ${policy} works on a large table without an index that begins with ${column}.`,
    hint: 'Create that index: without it, every batch would read the whole table.',
  },
  ROWS_STILL_REFERENCED: {
    kind: 'conflict',
    message: ({ policy }: { policy: string }) =>
      `Rows of the policy ${policy} are referenced by other tables and cannot be deleted.`,
    hint: 'Give the referencing table a retention policy of its own, listed before this one.',
  },
  BATCH_TIMED_OUT: {
    kind: 'timeout',
    message: ({ policy }: { policy: string }) => `Even the smallest batch of the policy ${policy} took too long.`,
  },
  DIRECTORY_REFUSED: {
    kind: 'conflict',
    message: ({ policy, reason }: { policy: string; reason: string }) => `The directory of ${policy} is refused: ${reason}.`,
  },
  CACHE_UNAVAILABLE: {
    kind: 'unavailable',
    message: ({ policy }: { policy: string }) => `The Redis of the policy ${policy} did not answer.`,
  },
});
