import type { OperationError } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Block, Customer } from '../customers/customer.js';
import { lifecycleErrors } from '../errors.js';
import type { ServiceInstance } from '../services/instance.js';
import { followedBlocks, hasLeft, nextOperation, operations, unstuck } from '../services/operation.js';
import { mustBeOpen } from './change-run.js';
import { hasLeftOver } from './plan.js';
import { isHookStep, type Run, type RunStep } from './run.js';
import { kindOf } from './template.js';

/** A run, and all that says whether it may be cancelled. */
export interface CancelCase {
  run: Run;
  customer: Customer;
  service: ServiceInstance | undefined;
}

/**
 * Decides whether a run may be cancelled. Setting up and changing a plan always may: what was done is undone. So may taking
 * down, also where it is stuck, as long as all that it may have taken can be put back, and its customer has not left.
 * Suspending, throttling and resuming may once they are not what the service should be given any more (a reason was
 * lifted, or another opened), also where they are stuck: they stop where they are, and what it should be given by now
 * follows. As long as they are, they would only begin again.
 * @throws RUN_NOT_OPEN, RUN_NOT_CANCELLABLE, TEMPLATE_NOT_REGISTERED
 */
export function checkCancellable(context: LifecycleContext, { run, customer, service }: CancelCase): void {
  if (!hasFailedAhead(run)) mustBeOpen(run);
  // Asked again, it is answered as the first time.
  if (run.cancelRequestedAt !== null || !service) return;
  const refusal =
    operations[run.operation].whenCancelled === 'left'
      ? asItShouldBe(context, run, service, customer)
      : run.operation === 'deprovision' && goneForGood(context, run, customer);
  if (refusal) throw refusal;
}

/**
 * Did a step fail for good on the way ahead, of what waits for somebody then? It is stuck, or about to be, and need not be
 * finished.
 */
function hasFailedAhead({ status, direction, operation, steps, nextAt, cancelRequestedAt }: Run): boolean {
  if (operations[operation].whenFailed !== 'stuck' || direction === 'forward') return false;
  const isOver = nextAt === null && status !== 'stuck';
  return !isOver && cancelRequestedAt === null && !hasLeftOver(steps);
}

/** The step with which it will be too late to cancel: the next one that nothing undoes, as far as is known here. */
export function pointOfNoReturn(context: LifecycleContext, run: Run): RunStep | undefined {
  if (run.operation !== 'deprovision' || !context.templates.of(run)) return undefined;
  return run.steps.find(
    (step) => step.status === 'pending' && takes(context, run, step) && !hasWayBack(context, run, step),
  );
}

function refusalOf(
  { operation }: Run,
  why: { reason: string; instead: string; step?: string; reasons?: readonly string[] },
): OperationError {
  return lifecycleErrors.RUN_NOT_CANCELLABLE({ operation, ...why });
}

/** The refusal while it is what the service should be given: as if nothing were being done to it, would this be begun now? */
function asItShouldBe(
  { templates }: LifecycleContext,
  run: Run,
  service: ServiceInstance,
  customer: Customer,
): OperationError | undefined {
  const { exemptFrom } = templates.registered(service);
  const untouched = { ...unstuck(service, run.operation), openRunId: null };
  if (nextOperation(untouched, customer, exemptFrom) !== run.operation) return undefined;
  const effective = followedBlocks(service, customer, exemptFrom).filter(({ promisedUntil }) => promisedUntil === null);
  if (run.operation === 'resume') {
    const open = reasonsOf(effective).join(', ');
    return refusalOf(run, {
      reason: `it gives the service what it should have, ${open ? `with the open reasons: ${open}` : 'for no reason is open'}`,
      instead: 'Open a reason: `suspend` of the service or its customer; what follows from it is done instead.',
    });
  }
  // What only slows down does not keep a service suspended.
  const wanting = effective.filter(({ severity }) => run.operation === 'throttle' || severity === 'suspend');
  const reasons = reasonsOf(wanting);
  const orElse = run.status === 'stuck' ? ' Or have the run retried, skipped or forced.' : '';
  return refusalOf(run, {
    reason: `the service has open reasons: ${reasons.join(', ')}`,
    instead: `Lift them, ${liftedBy(service, customer, wanting)}, then cancel; what follows from it is done instead.${orElse}`,
    reasons,
  });
}

function reasonsOf(blocks: readonly Block[]): string[] {
  return [...new Set(blocks.map(({ reason }) => reason))];
}

/** The commands, and the routes, that lift reasons: those of a service are its own, the others its customer's. */
function liftedBy(service: ServiceInstance, customer: Customer, blocks: readonly Block[]): string {
  const route = '`POST /customer-lifecycle';
  const [own, shared] = [
    reasonsOf(blocks.filter((block) => service.blocks.includes(block))),
    reasonsOf(blocks.filter((block) => customer.blocks.includes(block))),
  ].map((reasons) => reasons.join(', '));
  const ways = [
    own && `${own} by \`resume\` of the service (${route}/services/${service.id}/resume\`)`,
    shared && `${shared} by \`reactivate\` of its customer (${route}/customers/${customer.id}/reactivate\`)`,
  ];
  return ways.filter(Boolean).join(', and ');
}

/** The refusal of a termination that cannot be taken back. */
function goneForGood(context: LifecycleContext, run: Run, customer: Customer): OperationError | undefined {
  const taken = run.steps.find((step) => mayHaveTaken(context, run, step) && !isPutBack(context, run, step));
  if (taken) {
    const { key: step, status } = taken;
    const reason =
      status === 'skipped'
        ? `the step ${step} was skipped, and nobody knows what would put back what it is for`
        : `the step ${step} may have taken something down already, and has nothing that undoes it`;
    const end = run.status === 'stuck' ? 'Have it retried, skipped or forced' : 'Let it end';
    return refusalOf(run, { reason, instead: `${end}, and request the service anew.`, step });
  }
  if (!hasLeft(customer)) return undefined;
  const instead =
    customer.stage === 'deleted'
      ? 'Restore the customer (`restore`) and win it back (`winBack`) first.'
      : 'Win the customer back first (`winBack`).';
  return refusalOf(run, { reason: `the customer has left, and is ${customer.stage}`, instead });
}

/** May a step have had an effect? What is done in a transaction has one once that has committed. */
function mayHaveTaken(context: LifecycleContext, run: Run, step: RunStep): boolean {
  if (step.status === 'pending' || !takes(context, run, step)) return false;
  return kindIn(context, run, step) !== 'runInTransaction' || step.status === 'skipped' || step.completedOrder !== null;
}

/** Is what a step does an effect? Time that passes, people who decide and hooks that are asked have none. */
function takes(context: LifecycleContext, run: Run, step: RunStep): boolean {
  if (isHookStep(step)) return false;
  const kind = kindIn(context, run, step);
  return kind !== 'approval' && kind !== 'waitMs';
}

/** What was skipped, somebody took care of in a way of their own. */
function isPutBack(context: LifecycleContext, run: Run, step: RunStep): boolean {
  return step.status !== 'skipped' && hasWayBack(context, run, step);
}

function hasWayBack(context: LifecycleContext, run: Run, step: RunStep): boolean {
  const definition = definitionIn(context, run, step);
  if (!definition) return false;
  return 'run' in definition
    ? definition.compensate !== undefined
    : 'runInTransaction' in definition && definition.compensateInTransaction !== undefined;
}

/** Undefined: a step of taking down whose `compensate` is gone. */
function definitionIn({ templates }: LifecycleContext, run: Run, { key }: RunStep) {
  const template = templates.registered(run);
  return template.stepsOf(run.operation)?.find((each) => each.key === key);
}

function kindIn(context: LifecycleContext, run: Run, step: RunStep) {
  const definition = definitionIn(context, run, step);
  return definition && kindOf(definition);
}
