import { instant, id } from '@dotmac/core/contract';
import { z } from 'zod';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import type { StepContext } from '../provisioning/definition.js';
import { idempotencyKeyOf } from '../provisioning/idempotency-key.js';
import { callStep } from '../provisioning/steps/call.js';
import type { ServiceInstance } from './instance.js';
import { operationName } from './operation.js';
import { standingSteps } from './standing-steps.js';

/** What a service's systems say of it, held against what is kept. */
export const serviceDrift = z
  .object({
    serviceId: id,
    checkedAt: instant,
    drifted: z.boolean().meta({ description: 'Some step’s effect is not there any more' }),
    steps: z.array(
      z.object({
        name: z.string(),
        operation: operationName.meta({ description: 'What the step was done for' }),
        found: z
          .enum(['present', 'missing', 'unknown'])
          .meta({ description: '`unknown`: it could not be asked; see `error`' }),
        error: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'ServiceDrift' });

/** @see serviceDrift */
export type ServiceDrift = z.output<typeof serviceDrift>;

const timeoutMs = 30_000;

/** Is a service one that should be found? */
export function isThere({ status }: Pick<ServiceInstance, 'status'>): boolean {
  return status === 'active' || status === 'suspended';
}

/**
 * Asks each step that made the service what it is, and that can be asked, one after another.
 * @throws SERVICE_NOT_FOUND, TEMPLATE_NOT_REGISTERED
 */
export async function driftOf(
  context: LifecycleContext,
  service: ServiceInstance,
  signal: AbortSignal,
): Promise<ServiceDrift> {
  const { store, clock, logger } = context;
  const { id: serviceId, tenantId, customerId, serviceName } = service;
  const customer = await store.tenant(tenantId).customers.get(customerId);
  const steps: ServiceDrift['steps'] = [];
  if (!customer) throw lifecycleErrors.SERVICE_NOT_FOUND({ serviceId });
  context.templates.registered(service);
  for (const standing of isThere(service) ? await standingSteps(context, service) : []) {
    const { run, template, step, definition, reconcile } = standing;
    const { key } = step;
    const { id: requestId, operation, previous } = run;
    const outcome = await callStep(clock, { step: key, timeoutMs, outer: signal }, async (deadline) => {
      const told: StepContext = {
        tenantId,
        customerId,
        customer,
        requestId,
        serviceId,
        serviceName,
        operation,
        config: await template.config.parseAsync(service.config),
        previous,
        outputs: service.outputs,
        attempt: 1,
        idempotencyKey: idempotencyKeyOf(run, step, definition),
        signal: deadline,
      };
      return reconcile(told);
    });
    if (!outcome.ok) logger.warn({ tenantId, serviceId, step: key }, 'a step could not be asked whether it is done');
    const found = outcome.ok ? ((outcome.output as { done: boolean }).done ? 'present' : 'missing') : 'unknown';
    steps.push({ name: key, operation, found, error: outcome.ok ? null : outcome.shown.message });
  }
  return { serviceId, checkedAt: clock.now(), drifted: steps.some(({ found }) => found === 'missing'), steps };
}
