import type { LifecycleContext } from '../context.js';
import type { ActionStep } from '../provisioning/definition.js';
import type { Run, RunStep } from '../provisioning/run.js';
import type { ServiceTemplate } from '../provisioning/template.js';
import type { ServiceAccess, ServiceInstance } from './instance.js';
import type { OperationName } from './operation.js';

/** A step whose effect should be there, and that can be asked whether it is. */
export interface StandingStep {
  run: Run;
  template: ServiceTemplate;
  step: RunStep;
  definition: ActionStep;
  reconcile: NonNullable<ActionStep['reconcile']>;
}

/** The operations whose last run made a service give what it gives. */
const madeBy: Record<ServiceAccess, readonly OperationName[]> = {
  none: [],
  full: ['provision', 'change_plan', 'resume'],
  throttled: ['throttle'],
  suspended: ['suspend'],
};

const pageSize = 20;

/**
 * The steps whose effects make a service what it is by what is kept: of a suspended one those of suspending it, and not
 * those of setting it up, which suspending may have turned off. Steps that an operator skipped have no effect.
 * @throws TEMPLATE_NOT_REGISTERED
 */
export async function standingSteps(context: LifecycleContext, service: ServiceInstance): Promise<StandingStep[]> {
  return (await runsBehind(context, service)).flatMap((run) => {
    const template = context.templates.registered(run);
    const done = new Map(run.steps.filter(({ status }) => status === 'completed').map((step) => [step.key, step]));
    return (template.stepsOf(run.operation) ?? []).flatMap((definition): StandingStep[] => {
      const step = done.get(definition.key);
      if (!('run' in definition) || !definition.reconcile || !step) return [];
      return [{ run, template, step, definition, reconcile: definition.reconcile }];
    });
  });
}

/**
 * The runs that a service is the work of, in their order. Starting it again brings back what was set up, and changing its
 * configuration leaves it; of another plan the steps of changing to it are all that was ever done.
 */
async function runsBehind({ store }: LifecycleContext, service: ServiceInstance): Promise<Run[]> {
  const { runs } = store.tenant(service.tenantId);
  const found: Run[] = [];
  for (let before: string | undefined; ;) {
    const page = await runs.listFor(service.id, pageSize, before);
    for (const run of page) {
      const { operation } = run;
      if (run.status !== 'completed' || !madeBy[service.access].includes(operation)) continue;
      // It was another plan until then.
      if (run.templateHash !== service.templateHash) return found;
      // The last of its kind says what is there; what was changed after a start says more than the start.
      const isOver =
        found.some((later) => later.operation === operation) || (operation === 'resume' && found.length > 0);
      if (!isOver) found.unshift(run);
      if (operation !== 'resume' && operation !== 'change_plan') return found;
    }
    before = page.at(-1)?.id;
    if (page.length < pageSize) return found;
  }
}
