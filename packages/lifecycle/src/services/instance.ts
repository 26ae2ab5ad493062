import { freeForm, id, instant } from '@dotmac/core/contract';
import { z } from 'zod';
import type { Block } from '../customers/customer.js';

/**
 * `pending` (asked for), `provisioning` (being set up, or undone after a failure), `active`, `suspended`,
 * `deprovisioning` (being taken down), `terminated`, `failed` (could not be set up, and everything done was undone),
 * `stuck` (an operation could neither be finished nor undone: somebody must look).
 */
export const serviceStatus = z
  .enum(['pending', 'provisioning', 'active', 'suspended', 'deprovisioning', 'terminated', 'failed', 'stuck'])
  .meta({ id: 'ServiceStatus', description: 'How far a requested service is' });

/** @see serviceStatus */
export type ServiceStatus = z.output<typeof serviceStatus>;

/** What the systems that provide a service were last told to give. */
export const serviceAccess = z
  .enum(['none', 'full', 'throttled', 'suspended'])
  .meta({ id: 'ServiceAccess', description: 'What the customer gets of the service' });

/** @see serviceAccess */
export type ServiceAccess = z.output<typeof serviceAccess>;

/** A service that a customer has, as it is kept. Times are epoch ms. Changed only under its customer's lock. */
export interface ServiceInstance {
  /** The same as the id of the run that set it up. */
  id: string;
  tenantId: string;
  customerId: string;
  /** The template by whose steps it is worked on. */
  serviceName: string;
  templateVersion: string;
  templateHash: string;
  /** As it was given; the template's schema reads it at every step. */
  config: Record<string, unknown>;
  status: ServiceStatus;
  access: ServiceAccess;
  /** What the steps of its runs gave back, by their keys. */
  outputs: Record<string, unknown>;
  /** Reasons of its own, besides its customer's. */
  blocks: readonly Block[];
  /** Open reasons of its customer that do not count for it: what it did for them was cancelled. */
  sparedReasons: readonly string[];
  /** It stays though its customer has left, for as long as that is in this stage: taking it down was cancelled. */
  isKept: boolean;
  terminateRequestedAt: number | null;
  /** The run that works on it, or is stuck at it; at most one at a time. */
  openRunId: string | null;
  createdAt: number;
  updatedAt: number;
  provisionedAt: number | null;
  terminatedAt: number | null;
}

/** Is a service not there, or not for long? */
export function isGone({ status }: Pick<ServiceInstance, 'status'>): boolean {
  return status === 'failed' || status === 'terminated' || status === 'deprovisioning';
}

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

/** A customer's service, as it is shown by itself. */
export const serviceView = z
  .object({
    ...serviceRequest.shape,
    templateVersion: z.string(),
    customConfig: freeForm,
    access: serviceAccess,
    openReasons: z.array(z.string()).meta({ description: 'Its own; those of its customer come on top' }),
    sparedReasons: z
      .array(z.string())
      .meta({ description: 'Open ones of its customer that do not count for it: what came of them was cancelled' }),
    isKept: z.boolean().meta({ description: 'It stays though its customer has left: taking it down was cancelled' }),
    promises: z
      .array(z.object({ reason: z.string(), until: instant }))
      .meta({ description: 'Open reasons that have no effect until then' }),
    openRunId: id.nullable().meta({ description: 'What is being done to it: see `/provisioning/{id}`' }),
    updatedAt: instant,
    terminatedAt: instant.nullable(),
  })
  .meta({ id: 'CustomerService' });

/** @see serviceView */
export type ServiceView = z.output<typeof serviceView>;

const messages: Record<ServiceStatus, string> = {
  pending: 'The service was requested.',
  provisioning: 'The service is being set up.',
  active: 'The service is active.',
  suspended: 'The service is suspended.',
  deprovisioning: 'The service is being taken down.',
  terminated: 'The service was taken down.',
  failed: 'Setting the service up failed, and was undone.',
  stuck: 'Something could neither be finished nor undone: somebody has to look.',
};

/** A service as it is shown in lists. */
export function requestOf(service: ServiceInstance): ServiceRequest {
  const { id: requestId, customerId, serviceName, status, createdAt, provisionedAt } = service;
  return {
    id: requestId,
    requestId,
    customerId,
    serviceName,
    status,
    message: messages[status],
    createdAt,
    provisionedAt,
  };
}

/** A service as it is shown by itself. */
export function viewOfService(service: ServiceInstance): ServiceView {
  const { templateVersion, config: customConfig, access, blocks, isKept, openRunId, updatedAt, terminatedAt } = service;
  const openReasons = blocks.map(({ reason }) => reason);
  const promises = blocks.flatMap(({ reason, promisedUntil: until }) => (until === null ? [] : [{ reason, until }]));
  return {
    ...requestOf(service),
    templateVersion,
    customConfig,
    access,
    openReasons,
    sparedReasons: [...service.sparedReasons],
    isKept,
    promises,
    openRunId,
    updatedAt,
    terminatedAt,
  };
}
