import { freeForm, id, instant } from '@dotmac/core/contract';
import { z } from 'zod';

/**
 * `pending` (asked for), `provisioning` (under way, or being undone after a failure), `active` (all steps done),
 * `failed` (a step failed, and everything done was undone), `stuck` (could not be undone: somebody must look).
 */
export const serviceStatus = z
  .enum(['pending', 'provisioning', 'active', 'failed', 'stuck'])
  .meta({ id: 'ServiceStatus', description: 'How far a requested service is' });

/** @see serviceStatus */
export type ServiceStatus = z.output<typeof serviceStatus>;

/** Where a step is. `running` and `failed` steps may have had an effect: nobody knows, so they are undone as well. */
const stepStatus = z
  .enum(['pending', 'running', 'completed', 'failed', 'compensating', 'compensated', 'compensation_failed'])
  .meta({ id: 'ProvisioningStepStatus' });

/** @see stepStatus */
export type StepStatus = z.output<typeof stepStatus>;

/** What asking for a service takes. */
export const serviceRequestInput = z
  .object({
    serviceName: z
      .string()
      .min(1)
      .max(100)
      .meta({ description: 'A service template', examples: ['internet-100'] }),
    customConfig: freeForm.default({}).meta({ description: 'The configuration that the template asks for' }),
  })
  .meta({ id: 'ServiceRequestInput' });

/** @see serviceRequestInput */
export type ServiceRequestDraft = z.input<typeof serviceRequestInput>;

/** A requested service. */
export const serviceRequest = z
  .object({
    id,
    requestId: id.meta({ description: 'The same as `id`' }),
    customerId: id,
    serviceName: z.string(),
    status: serviceStatus,
    message: z.string(),
    createdAt: instant,
    provisionedAt: instant.nullable(),
  })
  .meta({ id: 'ServiceRequest' });

/** @see serviceRequest */
export type ServiceRequest = z.output<typeof serviceRequest>;

/** A step, as it is shown. */
const provisioningStep = z
  .object({
    name: z.string(),
    status: stepStatus,
    attempts: z.int(),
    startedAt: instant.nullable(),
    finishedAt: instant.nullable(),
    error: z.string().nullable(),
  })
  .meta({ id: 'ProvisioningStep' });

/** A requested service with its steps. */
export const provisioning = z
  .object({ ...serviceRequest.shape, steps: z.array(provisioningStep) })
  .meta({ id: 'Provisioning' });

/** @see provisioning */
export type Provisioning = z.output<typeof provisioning>;

/** A step as it is kept. Times are epoch ms. */
export interface RunStep {
  key: string;
  status: StepStatus;
  /** How often `run` was begun. */
  attempts: number;
  /** How often it failed; an attempt that a crash cut short did not. */
  failures: number;
  /** The same of `compensate`. */
  compensationAttempts: number;
  compensationFailures: number;
  /** What `run` gave back; undefined when it never did. */
  output: unknown;
  /** For people, without secrets. */
  error: string | null;
  startedAt: number | null;
  finishedAt: number | null;
  /** Its place among the completed ones, from 1; compensation goes backwards through these. */
  completedOrder: number | null;
}

/** A run of a template for a customer, as it is kept. */
export interface Run {
  id: string;
  tenantId: string;
  customerId: string;
  serviceName: string;
  templateVersion: string;
  /** Hash of the definition that the run began with. */
  templateHash: string;
  /** As it was given; the template's schema reads it at every step. */
  config: Record<string, unknown>;
  status: ServiceStatus;
  direction: 'forward' | 'backward';
  steps: readonly RunStep[];
  /** Epoch ms of the next wake-up; null when it is over. */
  nextAt: number | null;
  requestedBy: string;
  createdAt: number;
  updatedAt: number;
  provisionedAt: number | null;
}

const messages: Record<ServiceStatus, (run: Run) => string> = {
  pending: () => 'The service was requested.',
  provisioning: ({ direction }) =>
    direction === 'forward' ? 'The service is being set up.' : 'A step failed; what was done is being undone.',
  active: () => 'The service is active.',
  failed: ({ steps }) => `Setting the service up failed, and was undone.${reasonOf(steps)}`,
  stuck: ({ steps }) => `Setting the service up failed, and could not be undone.${reasonOf(steps)}`,
};

function reasonOf(steps: readonly RunStep[]): string {
  const failed = steps.find(({ error }) => error !== null);
  return failed ? ` ${failed.error}` : '';
}

/** A run as it is shown in lists. */
export function requestOf(run: Run): ServiceRequest {
  const { id: requestId, customerId, serviceName, status, createdAt, provisionedAt } = run;
  const message = messages[status](run);
  return { id: requestId, requestId, customerId, serviceName, status, message, createdAt, provisionedAt };
}

/** A run as it is shown by itself. */
export function provisioningOf(run: Run): Provisioning {
  const steps = run.steps.map(({ key, status, attempts, startedAt, finishedAt, error }) => {
    return { name: key, status, attempts, startedAt, finishedAt, error };
  });
  return { ...requestOf(run), steps };
}
