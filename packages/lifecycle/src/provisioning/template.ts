import { createHash } from 'node:crypto';
import { coreErrors } from '@dotmac/core';
import type { z } from 'zod';
import type { OperationName } from '../services/operation.js';
import { whyNoReason } from '../suspension/reasons.js';
import type { ActionStep, CompensationContext, ServiceStep, StepContext, TransactionStep } from './definition.js';
import { faultOfLimits } from './step-limits.js';

/** The operations whose steps a template may name; setting up has `steps`. */
type OtherOperation = Exclude<OperationName, 'provision'>;

/** What {@link defineServiceTemplate} takes. */
export interface ServiceTemplateInit<Config extends z.ZodType> {
  /** What customers ask for, e.g. `internet-100`. 1 to 100 characters. */
  name: string;
  /**
   * Runs finish on the version they began with, and services stay with theirs: keep it registered while any is left.
   * Default `1`.
   */
  version?: string | number;
  /** Reads `custom_config`. */
  config: Config;
  /** How it is set up. */
  steps: readonly ServiceStep<z.output<Config>>[];
  /**
   * How it is slowed down, stopped, started again, taken over from another plan, and taken down. Without steps there is
   * nothing to be done for it, save for taking it down, which undoes the steps of setting it up in reverse order, and
   * changing to this plan, which is refused. What a change to this plan sets up is taken down by `deprovision` alone; so is
   * what the plan before set up by steps that this one does not undo, and without it the change is refused.
   */
  operations?: Partial<Record<OtherOperation, readonly ServiceStep<z.output<Config>>[]>>;
  /** Reasons of a suspended customer that leave this service alone, e.g. `non_payment` of one paid in advance. */
  exemptFrom?: readonly string[];
}

/** How a service is set up and worked on, as data: named steps in their order. */
export interface ServiceTemplate {
  readonly name: string;
  readonly version: string;
  /** Of name, version, and the steps' keys and kinds: a run does not go on with steps other than those it began with. */
  readonly hash: string;
  readonly config: z.ZodType;
  readonly exemptFrom: readonly string[];
  /** Is it taken down by steps of its own? Otherwise those that set it up are undone. */
  readonly hasDeprovision: boolean;
  /** The steps of an operation; undefined when the template has none and none can be derived. */
  stepsOf(operation: OperationName): readonly ServiceStep[] | undefined;
}

const kinds = ['run', 'runInTransaction', 'approval', 'waitMs'] as const;

/** The kinds of steps, by the property that makes each. */
export type StepKind = (typeof kinds)[number];

/** Of which kind a step is. */
export function kindOf(step: ServiceStep): StepKind {
  return kinds.find((kind) => kind in step) as StepKind;
}

/** What makes a step another one: its key and its kind. Most are actions, which their key alone stands for. */
function markOf(step: ServiceStep): string | [string, StepKind] {
  const kind = kindOf(step);
  return kind === 'run' ? step.key : [step.key, kind];
}

/**
 * Defines a service.
 * @throws INVALID_ARGUMENT for a name that is too long, no steps, two steps of one key, a step of no or several kinds, one
 * with a limit that is none, e.g. a quorum of nobody, or an `exemptFrom` that no suspension can have as its reason (`all`)
 *
 * @example
 * const internet = defineServiceTemplate({
 *   name: 'internet-100',
 *   config: z.object({ vlan: z.int().default(100) }),
 *   steps: [
 *     { key: 'approve', approval: { quorum: 1, message: 'Is there capacity at the node?' } },
 *     { key: 'reserve-port', run: ({ idempotencyKey }) => olt.reserve(idempotencyKey), compensate: ({ output }) => olt.release(output) },
 *     { key: 'create-account', run: ({ config, customer }) => radius.add(customer.username, config.vlan) },
 *   ],
 *   operations: { suspend: [{ key: 'walled-garden', run: ({ customer }) => radius.restrict(customer.username) }] },
 * });
 */
export function defineServiceTemplate<Config extends z.ZodType>(init: ServiceTemplateInit<Config>): ServiceTemplate {
  const { name, config, exemptFrom = [] } = init;
  const version = String(init.version ?? 1);
  const refuse = (reason: string) => coreErrors.INVALID_ARGUMENT({ argument: `service template ${name}`, reason });
  if (name.length === 0 || name.length > 100) throw refuse('a name is 1 to 100 characters');
  if (version.length === 0 || version.length > 64) throw refuse('a version is 1 to 64 characters');
  if (init.steps.length === 0) throw refuse('a template has at least one step');
  for (const reason of exemptFrom) {
    const unusable = whyNoReason(reason);
    if (unusable !== undefined) throw refuse(`exemptFrom: ${unusable}`);
  }
  // The engine hands each step what this schema made of the configuration.
  const steps = init.steps as unknown as readonly ServiceStep[];
  const others = (init.operations ?? {}) as Partial<Record<OtherOperation, readonly ServiceStep[]>>;
  for (const list of [steps, ...Object.values(others)]) checkSteps(list, refuse);
  const byOperation: Partial<Record<OperationName, readonly ServiceStep[]>> = {
    suspend: [],
    throttle: [],
    resume: [],
    deprovision: takingDown(steps),
    ...others,
    provision: steps,
  };
  const shape = Object.entries(others).map(([operation, list]) => [operation, list.map(markOf)]);
  const marks = steps.map(markOf);
  const hash = createHash('sha256')
    .update(JSON.stringify(shape.length === 0 ? [name, version, marks] : [name, version, marks, shape]))
    .digest('hex');
  const hasDeprovision = others.deprovision !== undefined;
  return { name, version, hash, config, exemptFrom, hasDeprovision, stepsOf: (operation) => byOperation[operation] };
}

/**
 * The steps that take a service down as it is, and that nobody would take once it has another plan without `deprovision`:
 * that undoes its own steps and knows of no others.
 */
export function forgottenBy(plan: ServiceTemplate, before: ServiceTemplate): string[] {
  const undone = new Set(plan.stepsOf('deprovision')?.map(({ key }) => key));
  return (before.stepsOf('deprovision') ?? []).map(({ key }) => key).filter((key) => !undone.has(key));
}

function checkSteps(steps: readonly ServiceStep[], refuse: (reason: string) => Error): void {
  const keys = steps.map(({ key }) => key);
  if (keys.some((key) => !/^[A-Za-z0-9_.-]{1,100}$/.test(key)))
    throw refuse('a step key is 1 to 100 letters, digits, "_", "." or "-"');
  if (new Set(keys).size !== keys.length) throw refuse('every step has a key of its own');
  const odd = steps.find((step) => kinds.filter((kind) => kind in step).length !== 1);
  if (odd) throw refuse(`the step ${odd.key} must have exactly one of ${kinds.join(', ')}`);
  for (const step of steps) {
    const fault = faultOfLimits(step);
    if (fault) throw refuse(`the step ${step.key} cannot have this ${fault}`);
  }
}

/**
 * Taking down what was set up: each step undone, the last one first. Of one that has given nothing back nobody knows: it
 * was skipped, or the service had another plan then.
 */
function takingDown(steps: readonly ServiceStep[]): ServiceStep[] {
  return [...steps].reverse().flatMap((step): (ActionStep | TransactionStep)[] => {
    const { key } = step;
    if ('run' in step && step.compensate) {
      const { compensate, timeoutMs, compensationRetry = { attempts: 5 } } = step;
      const run: ActionStep['run'] = (context) =>
        compensate({ ...context, output: context.outputs[key], outcome: outcomeOf(key, context) });
      return [{ key, run, retry: compensationRetry, ...(timeoutMs !== undefined && { timeoutMs }) }];
    }
    if ('runInTransaction' in step && step.compensateInTransaction) {
      const { compensateInTransaction, timeoutMs, compensationRetry = { attempts: 5 } } = step;
      const runInTransaction: TransactionStep['runInTransaction'] = (context) =>
        compensateInTransaction({ ...context, output: context.outputs[key], outcome: outcomeOf(key, context) });
      return [{ key, runInTransaction, retry: compensationRetry, ...(timeoutMs !== undefined && { timeoutMs }) }];
    }
    return [];
  });
}

function outcomeOf(key: string, { outputs }: Pick<StepContext, 'outputs'>): CompensationContext['outcome'] {
  return Object.hasOwn(outputs, key) ? 'completed' : 'unknown';
}
