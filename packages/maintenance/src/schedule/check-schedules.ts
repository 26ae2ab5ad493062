import { coreErrors, readCron, scopeIdentity } from '@dotmac/core';
import { checkPolicyName } from '../policies/allow-list.js';
import { policiesOf, type PolicySet } from '../policies/policy-set.js';
import type { AnyMaintenanceTask } from '../tasks/task.js';
import type { Schedule } from './schedule.js';
import type { CheckedSchedule } from './scheduler.js';

/**
 * Checks schedules when the module is made, so that a fault shows at the start and not at night.
 * @throws INVALID_ARGUMENT naming the schedule
 */
export function checkSchedules(
  schedules: readonly Schedule[],
  tasks: ReadonlyMap<string, AnyMaintenanceTask>,
  policies: PolicySet,
): CheckedSchedule[] {
  const names = new Set<string>();
  return schedules.map((schedule) => {
    const { name, task, cron, timeZone, tenantId, parameters = {} } = schedule;
    const refuse = (reason: string): Error => coreErrors.INVALID_ARGUMENT({ argument: `schedules.${name}`, reason });
    checkPolicyName('schedules.name', name);
    scopeIdentity({ tenantId });
    const key = `${tenantId} ${name}`;
    if (names.has(key)) throw refuse('its tenant has another of this name');
    names.add(key);
    const runs = tasks.get(task);
    if (!runs) throw refuse(`there is no task ${task}; there are: ${[...tasks.keys()].join(', ')}`);
    const parsed = runs.parameters.safeParse(parameters);
    if (!parsed.success)
      throw refuse(parsed.error.issues.map((it) => `${it.path.join('.')}: ${it.message}`).join('; '));
    const [fault] = runs.check?.(parsed.data, policiesOf(policies, tenantId)) ?? [];
    if (fault) throw refuse(`${fault.path}: ${fault.message}`);
    const slots = readCron(cron, { argument: `schedules.${name}.cron`, ...(timeZone !== undefined && { timeZone }) });
    return { ...schedule, slots, runs, checkedParameters: parsed.data };
  });
}
