import { coreErrors, isOperationError, scopeIdentity } from '@dotmac/core';
import { inWords } from '@dotmac/core/contract';
import { checkPolicyName } from '../policies/allow-list.js';
import type { ScopeIds } from '../runs/lease-keys.js';
import type { TaskChooser } from '../tasks/choose.js';
import { planSchedule, scheduleKey, type PlannedSchedule } from './planned.js';
import { scheduleRules } from './rules.js';
import type { Schedule } from './schedule.js';

/**
 * Checks schedules when the module is made, so that a fault shows at the start and not at night.
 * @throws INVALID_ARGUMENT naming the schedule
 */
export function checkSchedules(
  schedules: readonly Schedule[],
  chooserOf: (tenantId: string) => TaskChooser,
  scopeIds: ScopeIds,
): PlannedSchedule[] {
  const keys = new Set<string>();
  return schedules.map(({ name, task, tenantId, parameters = {}, ...draft }) => {
    const refuse = (reason: string): Error => coreErrors.INVALID_ARGUMENT({ argument: `schedules.${name}`, reason });
    checkPolicyName('schedules.name', name);
    scopeIdentity({ tenantId });
    const key = scheduleKey(tenantId, name);
    if (keys.has(key)) throw refuse('its tenant has another of this name');
    keys.add(key);
    const rules = scheduleRules.safeParse(draft, inWords);
    if (!rules.success) throw refuse(rules.error.issues.map((it) => `${it.path.join('.')}: ${it.message}`).join('; '));
    const kept = { tenantId, name, origin: 'code', version: 0, pausedAt: null, effectiveAt: null } as const;
    try {
      const chooser = chooserOf(tenantId);
      const chosen = chooser.fromCode(task, parameters);
      return planSchedule({ ...chosen, refusal: null }, rules.data, kept, { chooser, scopeIds });
    } catch (error) {
      throw refuse(reasonOf(error));
    }
  });
}

/** What is wrong, in a line. */
export function reasonOf(error: unknown): string {
  if (!isOperationError(error)) return 'it cannot be read';
  const issues = error.issues ?? [];
  return issues.length > 0 ? issues.map(({ path, message }) => `${path}: ${message}`).join('; ') : error.message;
}
