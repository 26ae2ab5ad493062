import type { LifecycleContext } from '../context.js';
import type { ServiceStep } from './definition.js';
import { isHookStep, type Run, type RunStep } from './run.js';
import { kindOf } from './template.js';

/**
 * Has a step of taking down perhaps taken something that nothing puts back? Then somebody has to. What was skipped, somebody
 * took care of in a way of their own, which no `compensate` knows.
 * @param definition undefined: a step that undid one of setting up, whose `compensate` is gone from the template
 */
export function isForGood(step: RunStep, definition: ServiceStep | undefined): boolean {
  if (!takes(step, definition) || !mayHaveTaken(step, definition)) return false;
  return step.status === 'skipped' || !hasWayBack(step, definition);
}

/** What has to be put back by hand if a run that takes down is cancelled now, the last step first; null: not known here. */
export function byHand(context: LifecycleContext, run: Run): string[] | null {
  if (run.operation === 'deprovision' && !context.templates.of(run)) return null;
  return ofTakingDown(context, run)
    .filter(({ step, definition }) => step.status !== 'pending' && isForGood(step, definition))
    .map(({ step }) => step.key)
    .reverse();
}

/** The next step from which on somebody has to put something back by hand, as far as is known here. */
export function pointOfNoReturn(context: LifecycleContext, run: Run): string | undefined {
  const next = ofTakingDown(context, run).find(
    ({ step, definition }) => step.status === 'pending' && takes(step, definition) && !undoneBy(definition),
  );
  return next?.step.key;
}

/** The steps of a run that takes down, with what each does; none of any other, or where its template is not registered. */
function ofTakingDown({ templates }: LifecycleContext, run: Run) {
  const definitions = run.operation === 'deprovision' ? templates.of(run)?.stepsOf(run.operation) : undefined;
  if (!definitions) return [];
  return run.steps.map((step) => ({ step, definition: definitions.find(({ key }) => key === step.key) }));
}

/** Is what a step does an effect? Time that passes, people who decide and hooks that are asked have none. */
function takes(step: RunStep, definition: ServiceStep | undefined): boolean {
  const kind = definition && kindOf(definition);
  return !isHookStep(step) && kind !== 'approval' && kind !== 'waitMs';
}

/** What is done in a transaction has an effect once that has committed. What was said to be for good before, is still. */
function mayHaveTaken(step: RunStep, definition: ServiceStep | undefined): boolean {
  if (step.status === 'skipped' || step.compensationError != null) return true;
  return isInTransaction(definition) ? step.completedOrder !== null : step.startedAt !== null;
}

/** A transaction puts back what another has done, and nothing else. */
function hasWayBack(step: RunStep, definition: ServiceStep | undefined): boolean {
  return undoneBy(definition) && (!isInTransaction(definition) || step.completedOrder !== null);
}

function isInTransaction(definition: ServiceStep | undefined): boolean {
  return definition !== undefined && 'runInTransaction' in definition;
}

function undoneBy(definition: ServiceStep | undefined): boolean {
  if (!definition) return false;
  if ('run' in definition) return definition.compensate !== undefined;
  return 'runInTransaction' in definition && definition.compensateInTransaction !== undefined;
}
