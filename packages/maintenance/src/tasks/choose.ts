import { invalidInput, wireOf } from '@dotmac/core/contract';
import type { InputIssue } from '@dotmac/core';
import { policiesOf, type PolicySet } from '../policies/policy-set.js';
import { checkRequestBounds } from './request-bounds.js';
import type { AnyMaintenanceTask } from './task.js';

/** A task with parameters that it takes. */
export interface Chosen {
  task: AnyMaintenanceTask;
  parameters: unknown;
}

/** What requests are checked against. */
export interface ChooseParts {
  tenantId: string;
  policies: PolicySet;
  tasks: ReadonlyMap<string, AnyMaintenanceTask>;
}

/** Finds the tasks that requests name, and checks what they say. */
export interface TaskChooser {
  /**
   * Parameters in wire form.
   * @throws INVALID_INPUT for an unknown type or parameters that it does not take
   * @throws POLICY_UNDERCUT
   */
  fromWire(type: string, parameters: unknown): Chosen;
  /**
   * Parameters as the schema has them, camelCase.
   * @throws INVALID_INPUT, POLICY_UNDERCUT
   */
  fromCode(type: string, parameters: object): Chosen;
}

/** @see TaskChooser */
export function createTaskChooser({ tenantId, policies, tasks }: ChooseParts): TaskChooser {
  const taskOf = (type: string): AnyMaintenanceTask => {
    const task = tasks.get(type);
    if (task) return task;
    throw invalidInput([
      { path: 'maintenance_type', message: `There is no such task; there are: ${[...tasks.keys()].join(', ')}` },
    ]);
  };
  const under = (at: string, issues: readonly InputIssue[]) =>
    invalidInput(issues.map((issue) => ({ ...issue, path: `${at}${issue.path}`.replace(/\.$/, '') })));
  const checked = (task: AnyMaintenanceTask, parameters: unknown, at: string): Chosen => {
    const own = policiesOf(policies, tenantId);
    const faults = task.check?.(parameters as never, own) ?? [];
    if (faults.length > 0) throw under(at, faults);
    checkRequestBounds(task.type, parameters, own, at);
    return { task, parameters };
  };
  return {
    fromWire(type, given) {
      const task = taskOf(type);
      const parsed = wireOf(task.parameters).parse(given);
      if (!parsed.ok) throw under('parameters.', parsed.issues);
      return checked(task, parsed.value, 'parameters.');
    },
    fromCode(type, given) {
      const task = taskOf(type);
      const parsed = task.parameters.safeParse(given);
      if (parsed.success) return checked(task, parsed.data, '');
      throw under(
        '',
        parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
      );
    },
  };
}
