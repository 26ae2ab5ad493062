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
  RUN_ENDED: {
    kind: 'conflict',
    message: ({ reason }: { reason: string }) => `The run is to end: ${reason}.`,
  },
  RUN_NOT_ACTIVE: {
    kind: 'conflict',
    message: ({ id }: { id: string }) => `The run ${id} has ended already.`,
  },
  RUN_NOT_RESUMABLE: {
    kind: 'conflict',
    message: ({ id, resumedBy }: { id: string; resumedBy: string | null }) =>
      resumedBy === null
        ? `Nothing goes on from the run ${id}: it was done, or has not ended.`
        : `The run ${resumedBy} goes on from the run ${id} already, or did so.`,
    hint: 'Runs whose `resumable` is true can be resumed, once each. `resumed_by` of a run names the run that continues it.',
  },
  RUN_NOT_UNCONFIRMED: {
    kind: 'conflict',
    message: ({ id }: { id: string }) => `The run ${id} does not wait for a confirmation.`,
  },
  RUN_ELSEWHERE: {
    kind: 'conflict',
    message: ({ id, whose }: { id: string; whose: string }) =>
      `The run ${id} is about the things of ${whose}, and another has answered.`,
    hint: 'Send the request to that one, or start a new run where its things are.',
  },
  CONFIRMATION_NEEDED: {
    kind: 'conflict',
    message: ({ target, planned, total }: { target: string; planned: number; total: number }) =>
      `${planned} of ${total} items of ${target} would go, which is more than may go unasked.`,
    hint: 'If that is intended: POST /infrastructure-maintenance/runs/{id}/confirm.',
  },
  CONFIRMATION_EXPIRED: {
    kind: 'gone',
    message: ({ id }: { id: string }) => `The run ${id} ended too long ago to be confirmed.`,
    hint: 'Its counts may be out of date: start a new run, and confirm what that one asks for.',
  },
  POLICY_UNDERCUT: {
    kind: 'invalid',
    message: ({ faults, first }: { faults: number; first: string }) =>
      `${first}${faults === 1 ? '' : `, and ${faults - 1} more`}.`,
    hint: 'A request may only be more careful than its policies. `errors` lists every fault; choose other policies with `policies`.',
  },
  PLAN_NOT_FOUND: {
    kind: 'not_found',
    message: ({ id }: { id: string }) => `There is no plan ${id}.`,
  },
  PLAN_NOT_MADE: {
    kind: 'conflict',
    message: ({ task, reason }: { task: string; reason: string }) => `What ${task} would do cannot be said: ${reason}`,
  },
  PLAN_EXPIRED: {
    kind: 'gone',
    message: ({ id }: { id: string }) => `The plan ${id} is too old to be applied.`,
    hint: 'Make a new one, and review it.',
  },
  PLAN_APPLIED: {
    kind: 'conflict',
    message: ({ id }: { id: string }) => `The plan ${id} was applied before.`,
  },
  PLAN_ELSEWHERE: {
    kind: 'conflict',
    message: ({ id, whose }: { id: string; whose: string }) =>
      `The plan ${id} is about the things of ${whose}, and another has answered.`,
    hint: 'Send the request to that one, or make a new plan where its things are.',
  },
  PLAN_DRIFTED: {
    kind: 'conflict',
    message: ({ drift }: { drift: string }) => `What the plan is about has changed since: ${drift}.`,
    hint: 'Make a new plan, and review it.',
  },
  SCHEDULE_NOT_FOUND: {
    kind: 'not_found',
    message: ({ name }: { name: string }) => `There is no schedule ${name}.`,
  },
  SCHEDULE_NAME_TAKEN: {
    kind: 'conflict',
    message: ({ name }: { name: string }) => `There is a schedule ${name} already.`,
  },
  SCHEDULE_IN_CODE: {
    kind: 'conflict',
    message: ({ name }: { name: string }) => `The schedule ${name} is in the application’s code.`,
    hint: 'It can be paused, resumed and run now; it is changed where it is written.',
  },
  SCHEDULE_UNFIT: {
    kind: 'conflict',
    message: ({ name, fault }: { name: string; fault: string }) =>
      `The process that answers cannot fire the schedule ${name} (${fault}).`,
    hint: 'Its task or policy is gone from the code, or no longer accepts its parameters: change the schedule, or remove it.',
  },
  SCHEDULE_CHANGED: {
    kind: 'conflict',
    message: ({ name }: { name: string }) => `The schedule ${name} was changed meanwhile.`,
    hint: 'Read it again, and repeat the change with its new `version`.',
  },
  SCHEDULE_LIMIT_REACHED: {
    kind: 'conflict',
    message: ({ limit }: { limit: number }) => `A tenant has ${limit} schedules at most.`,
  },
  SLOT_LOST: {
    kind: 'conflict',
    message: ({ schedule }: { schedule: string }) =>
      `A slot of the schedule ${schedule} was closed by another process.`,
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
  TABLE_CONTENDED: {
    kind: 'unavailable',
    message: ({ table }: { table: string }) =>
      `Other work was in the way of every try to delete some rows of ${table}; what went before is gone.`,
    hint: 'Each try took fewer rows. See who holds locks for long or keeps changing old rows; the run can be resumed.',
  },
  TABLE_REFUSED: {
    kind: 'conflict',
    message: ({ table, reason }: { table: string; reason: string }) =>
      `The database refused the work on ${table}: ${reason}.`,
    hint: 'Earlier batches stay deleted. Remove the cause, then resume the run.',
  },
  ARCHIVE_NOT_WRITTEN: {
    kind: 'unavailable',
    message: ({ archive }: { archive: string }) =>
      `The archive ${archive} could not be written, so the rows that it was for were not deleted.`,
    hint: 'The log has the cause: a full disk, permissions, or what was read back differed.',
  },
  ROOT_NOT_SAFE: {
    kind: 'conflict',
    message: ({ policy, reason }: { policy: string; reason: string }) =>
      `The directory of the policy ${policy} is not touched: ${reason}.`,
  },
  CACHE_KEEPS_NO_IDLE_TIMES: {
    kind: 'conflict',
    message: ({ policy }: { policy: string }) =>
      `The cache of the policy ${policy} does not keep how long its keys are idle.`,
    hint: 'Its `maxmemory-policy` is an LFU one: take another, or a policy without `minIdleSeconds`.',
  },
  CACHE_REFUSES_SCRIPTS: {
    kind: 'conflict',
    message: ({ policy }: { policy: string }) =>
      `The cache of the policy ${policy} refuses the script that looks at a key and acts on it in one step.`,
    hint: 'Grant its user `+eval`, or take a policy without `minIdleSeconds` and `minBytes`, which needs no script (with `action: expire`, from Redis 7 on).',
  },
  CACHE_ADDS_PREFIX: {
    kind: 'conflict',
    message: ({ policy }: { policy: string }) =>
      `The client of the policy ${policy} puts a prefix of its own before keys, and would remove others than the pattern names.`,
    hint: 'Give the policy a client without `keyPrefix`, and write the whole names in its pattern.',
  },
  PACKAGES_NOT_READ: {
    kind: 'unavailable',
    message: ({ policy, reason }: { policy: string; reason: string }) =>
      `The packages of the policy ${policy} could not be read: ${reason}.`,
  },
  PACKAGES_NOT_UPDATED: {
    kind: 'unavailable',
    message: ({ policy, reason }: { policy: string; reason: string }) =>
      `The packages of the policy ${policy} could not all be updated: ${reason}.`,
    hint: 'The report says which were.',
  },
  FILES_NOT_WORKABLE: {
    kind: 'unavailable',
    message: ({ policy, reason }: { policy: string; reason: string }) =>
      `The files of the policy ${policy} cannot be worked on: ${reason}.`,
  },
  POLICY_FAILED: {
    kind: 'internal',
    message: ({ policy }: { policy: string }) => `The work of ${policy} failed unexpectedly; the log has the details.`,
  },
  LOG_ROTATION_INCOMPLETE: {
    kind: 'unavailable',
    message: ({ faults, first }: { faults: number; first: string }) =>
      `All was done but for ${faults === 1 ? 'one fault' : `${faults} faults`}: ${first}.`,
    hint: 'The run’s own log names each; what was left is done by the next run.',
  },
  CACHE_NOT_REACHABLE: {
    kind: 'unavailable',
    message: ({ policy }: { policy: string }) => `The cache of the policy ${policy} did not answer.`,
  },
  DIGEST_NOT_SENT: {
    kind: 'unavailable',
    message: ({ channels }: { channels: string }) => `These did not take the digest: ${channels}.`,
    hint: 'POST /infrastructure-maintenance/runs/{id}/resume sends it to just those.',
  },
  BACKUP_FAILED: {
    kind: 'unavailable',
    message: ({ policies, action }: { policies: string; action: 'backup' | 'verify' }) =>
      action === 'backup'
        ? `There is no good new backup of ${policies}.`
        : `Not every backup could be tried out with success of ${policies}.`,
    hint: 'Nothing was removed of these. The run’s log says what was done; the codes are explained in the documentation of backups.',
  },
  BACKUP_NOT_FOUND: {
    kind: 'not_found',
    message: ({ policy, id }: { policy: string; id: string }) => `There is no backup ${id} of ${policy}.`,
  },
  BACKUP_NOT_RESTORED: {
    kind: 'conflict',
    message: ({ id, reason }: { id: string; reason: string }) => `The backup ${id} was not restored: ${reason}`,
  },
});
