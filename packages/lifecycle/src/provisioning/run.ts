import { id, instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { operationName, operations, type OperationName } from '../services/operation.js';
import { serviceStatus, type ServiceStatus } from '../services/instance.js';

/**
 * `pending` (nobody began), `running`, `waiting` (for a decision, a completion or a time), `compensating` (being undone),
 * `completed`, `failed` (a step failed, and everything done was undone), `cancelled` (undone, or left where it was, because
 * somebody asked for it), `stuck` (could be neither finished nor undone: somebody must look).
 */
export const runStatus = z
  .enum(['pending', 'running', 'waiting', 'compensating', 'completed', 'failed', 'cancelled', 'stuck'])
  .meta({ id: 'ProvisioningRunStatus', description: 'How far a run is' });

/** @see runStatus */
export type RunStatus = z.output<typeof runStatus>;

/**
 * Where a step is. `running`, `waiting` and `failed` steps may have had an effect: nobody knows, so they are undone as
 * well. `skipped`: an operator said to go on without it, or cancelled a run that does not undo.
 */
const stepStatus = z
  .enum([
    'pending',
    'running',
    'waiting',
    'completed',
    'skipped',
    'failed',
    'compensating',
    'compensated',
    'compensation_failed',
  ])
  .meta({ id: 'ProvisioningStepStatus' });

/** @see stepStatus */
export type StepStatus = z.output<typeof stepStatus>;

/** A step, as it is shown. */
export const provisioningStep = z
  .object({
    name: z.string(),
    status: stepStatus,
    attempts: z.int(),
    startedAt: instant.nullable(),
    finishedAt: instant.nullable(),
    waitsUntil: instant.nullable().meta({ description: 'Of a waiting step: when it gives up, or goes on' }),
    error: z.string().nullable(),
  })
  .meta({ id: 'ProvisioningStep' });

/** A run with its steps. */
export const provisioning = z
  .object({
    id,
    requestId: id.meta({ description: 'The same as `id`' }),
    customerId: id,
    serviceId: id,
    serviceName: z.string(),
    operation: operationName,
    status: serviceStatus.meta({ description: 'What this run makes of its service' }),
    runStatus,
    message: z.string(),
    createdAt: instant,
    updatedAt: instant,
    provisionedAt: instant.nullable().meta({ description: 'When it was completed' }),
    cancelRequestedAt: instant.nullable(),
    steps: z.array(provisioningStep),
  })
  .meta({ id: 'Provisioning' });

/** @see provisioning */
export type Provisioning = z.output<typeof provisioning>;

/** A step as it is kept. Times are epoch ms. */
export interface RunStep {
  key: string;
  status: StepStatus;
  /** How often an operator had it tried anew, if ever. */
  round?: number;
  /** How often `run` was begun, in this round. */
  attempts: number;
  /** How often it failed; an attempt that a crash cut short did not. */
  failures: number;
  /** The same of `compensate`. */
  compensationAttempts: number;
  compensationFailures: number;
  /** What `run` gave back; undefined when it never did. */
  output: unknown;
  /** What `run` failed of last; for people, without secrets. */
  error: string | null;
  /** Of one that could not be undone: what `compensate` failed of. */
  compensationError?: string | null;
  startedAt: number | null;
  finishedAt: number | null;
  /** Of a waiting step. */
  waitUntil: number | null;
  /** Its place among the completed ones, from 1; compensation goes backwards through these. */
  completedOrder: number | null;
}

/**
 * The hooks of an operation are steps of its run: so they are tried again, given up, skipped and shown as every other
 * step is. No template can have steps of these keys.
 */
export const hookKeys = { before: 'hook:before', inTransaction: 'hook:inTransaction' } as const;

/** Is it the host that is asked, and not the template? */
export function isHookStep({ key }: Pick<RunStep, 'key'>): boolean {
  return key === hookKeys.before || key === hookKeys.inTransaction;
}

/** A run of a template's steps for a service, as it is kept. */
export interface Run {
  id: string;
  tenantId: string;
  customerId: string;
  serviceId: string;
  operation: OperationName;
  serviceName: string;
  templateVersion: string;
  /** Hash of the definition that the run began with. */
  templateHash: string;
  /** As it was given; the template's schema reads it at every step. */
  config: Record<string, unknown>;
  /** What the service was, when this run changes its plan. */
  previous: { serviceName: string; config: Record<string, unknown> } | null;
  /** What the steps of the service's earlier runs gave back. */
  given: Record<string, unknown>;
  status: RunStatus;
  direction: 'forward' | 'backward';
  steps: readonly RunStep[];
  /** Epoch ms of the next wake-up; null when it is over. */
  nextAt: number | null;
  cancelRequestedAt: number | null;
  requestedBy: string;
  createdAt: number;
  updatedAt: number;
  /** When it was completed. */
  provisionedAt: number | null;
}

/** The step that a run stopped at: what could not be undone, before what failed on the way ahead. */
export function brokenStep(steps: readonly RunStep[]): RunStep | undefined {
  return (
    steps.find(({ status }) => status === 'compensation_failed') ?? steps.find(({ status }) => status === 'failed')
  );
}

/** Why a run came to nothing: the step that it stopped at, or, undone by now, that it turned back at, and its error. */
export function causeOf(steps: readonly RunStep[]): { step: string; error: string } {
  // What was completed, or skipped, is not why, whatever it said before.
  const hasFailed = ({ status, error, completedOrder }: RunStep): boolean =>
    error !== null && completedOrder === null && status !== 'skipped';
  const cause = brokenStep(steps) ?? steps.find(hasFailed);
  return { step: cause?.key ?? '', error: (cause && errorOf(cause)) ?? '' };
}

/** What undoing failed of is no reason any more once it was undone. */
function errorOf({ status, error, compensationError }: RunStep): string | null {
  return status === 'compensation_failed' ? (compensationError ?? error) : error;
}

/** What a run makes of its service, while it lasts and in the end. */
function statusBy({ operation, status }: Run): ServiceStatus {
  if (status === 'stuck') return 'stuck';
  if (status === 'completed') return operation === 'change_plan' ? 'active' : operations[operation].leaves.status;
  const isUnfinished = status === 'failed' || status === 'cancelled';
  if (operation === 'deprovision' && !isUnfinished) return 'deprovisioning';
  if (operation !== 'provision') return 'active';
  if (status === 'pending') return 'pending';
  return isUnfinished ? 'failed' : 'provisioning';
}

const words: Record<OperationName, { doing: string; done: string }> = {
  provision: { doing: 'Setting the service up', done: 'The service is active.' },
  suspend: { doing: 'Suspending the service', done: 'The service is suspended.' },
  throttle: { doing: 'Slowing the service down', done: 'The service is slowed down.' },
  resume: { doing: 'Starting the service again', done: 'The service is active again.' },
  change_plan: { doing: 'Changing the plan', done: 'The plan was changed.' },
  deprovision: { doing: 'Taking the service down', done: 'The service was taken down.' },
};

function messageOf({ operation, status, direction, steps, cancelRequestedAt }: Run): string {
  const { doing, done } = words[operation];
  const { error: reason } = causeOf(steps);
  const because = reason && ` ${reason}`;
  const waiting = steps.find((step) => step.status === 'waiting')?.key;
  const hasTurnedBack = direction === 'backward' && cancelRequestedAt !== null;
  const messages: Record<RunStatus, string> = {
    pending: `${doing} was asked for.`,
    running: `${doing} is under way.`,
    waiting: `${doing} waits at the step "${waiting ?? ''}".`,
    compensating: `${doing} ${cancelRequestedAt === null ? 'did not succeed' : 'was cancelled'}; what was done is being undone.`,
    completed: done,
    failed: `${doing} failed, and was undone.${because}`,
    cancelled: `${doing} was cancelled${operations[operation].whenCancelled === 'undone' ? ', and undone' : ''}.`,
    stuck: `${doing} ${hasTurnedBack ? 'was cancelled' : 'failed'}, and somebody has to look.${because}`,
  };
  return messages[status];
}

/** A run as it is shown. */
export function provisioningOf(run: Run): Provisioning {
  const { id: requestId, customerId, serviceId, serviceName, operation, cancelRequestedAt } = run;
  const { status: now, createdAt, updatedAt, provisionedAt } = run;
  const steps = run.steps.map((step) => {
    const { key: name, status, attempts, startedAt, finishedAt, waitUntil } = step;
    const waitsUntil = status === 'waiting' ? waitUntil : null;
    return { name, status, attempts, startedAt, finishedAt, waitsUntil, error: errorOf(step) };
  });
  return {
    id: requestId,
    requestId,
    customerId,
    serviceId,
    serviceName,
    operation,
    status: statusBy(run),
    runStatus: now,
    message: messageOf(run),
    createdAt,
    updatedAt,
    provisionedAt,
    cancelRequestedAt,
    steps,
  };
}
