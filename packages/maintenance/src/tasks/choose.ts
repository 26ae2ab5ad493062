import { isOperationError, type InputIssue, type OperationError } from '@dotmac/core';
import { inWords, invalidInput, wireOf } from '@dotmac/core/contract';
import { policiesOf, type PolicySet } from '../policies/policy-set.js';
import { checkRequestBounds } from './request-bounds.js';
import type { AnyMaintenanceTask } from './task.js';

/** A task with parameters that it takes. */
export interface Chosen {
  task: AnyMaintenanceTask;
  parameters: unknown;
}

/** What was accepted once. */
export interface ChosenBefore extends Chosen {
  /** What a policy that has become stricter says against it; null when it would be accepted now. */
  refusal: OperationError | null;
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
   * Parameters in wire form that were accepted once: what policies say against them now is told, not thrown.
   * @throws INVALID_INPUT
   */
  fromBefore(type: string, parameters: unknown): ChosenBefore;
  /**
   * Parameters as the schema has them, camelCase.
   * @throws INVALID_INPUT, POLICY_UNDERCUT
   */
  fromCode(type: string, parameters: object): Chosen;
  /** The parameters of each run that a slot of a schedule is to have. */
  partsOf(chosen: Chosen): unknown[];
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
  const own = policiesOf(policies, tenantId);
  const checked = (task: AnyMaintenanceTask, parameters: unknown, at: string): Chosen => {
    const faults = task.check?.(parameters as never, own) ?? [];
    if (faults.length > 0) throw under(at, faults);
    return { task, parameters };
  };
  const withinBounds = (chosen: Chosen, at: string): Chosen => {
    checkRequestBounds(chosen.task.type, chosen.parameters, own, at);
    return chosen;
  };
  const readWire = (type: string, given: unknown): Chosen => {
    const task = taskOf(type);
    const parsed = wireOf(task.parameters).parse(given);
    if (!parsed.ok) throw under('parameters.', parsed.issues);
    return checked(task, parsed.value, 'parameters.');
  };
  return {
    partsOf: ({ task, parameters }) => task.partsOf?.(parameters as never, own) ?? [parameters],
    fromWire: (type, given) => withinBounds(readWire(type, given), 'parameters.'),
    fromBefore(type, given) {
      const chosen = readWire(type, given);
      try {
        return { ...withinBounds(chosen, 'parameters.'), refusal: null };
      } catch (error) {
        if (!isOperationError(error, 'POLICY_UNDERCUT')) throw error;
        return { ...chosen, refusal: error };
      }
    },
    fromCode(type, given) {
      const task = taskOf(type);
      const parsed = task.parameters.safeParse(given, inWords);
      if (parsed.success) return withinBounds(checked(task, parsed.data, ''), '');
      throw under(
        '',
        parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
      );
    },
  };
}
