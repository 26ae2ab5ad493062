import { createHash } from 'node:crypto';
import { coreErrors } from '@dotmac/core';
import type { z } from 'zod';
import type { Customer } from '../customers/customer.js';

/** What a step is told. */
export interface StepContext<Config = unknown> {
  tenantId: string;
  customerId: string;
  /** The customer as it is now. */
  customer: Customer;
  /** The run's id, which is also the service's. */
  requestId: string;
  serviceName: string;
  /** Read by the template's schema. */
  config: Config;
  /** What the completed steps gave back, by their keys. */
  outputs: Readonly<Record<string, unknown>>;
  /** 1 at the first attempt. */
  attempt: number;
  /**
   * `<requestId>:<step>`, the same on every attempt, also after a crash: hand it to whatever the step calls, so that
   * it is done once. Compensation has `<requestId>:<step>:compensate`.
   */
  idempotencyKey: string;
  /** Aborts at the step's deadline, when the lease on the run is lost, and when the process stops. */
  signal: AbortSignal;
}

/** What undoing a step is told. */
export interface CompensationContext<Config = unknown> extends StepContext<Config> {
  /** What `run` gave back; undefined when it did not. */
  output: unknown;
  /** `unknown`: the step failed, timed out or was cut short by a crash, and may have had its effect or not. */
  outcome: 'completed' | 'unknown';
}

/** How often a step is tried. */
export interface RetryPolicy {
  /** Attempts at the most. Default 3, for compensation 5. */
  attempts?: number;
  /** Wait after the first failure; doubles with each further one. Default 1,000 ms. */
  firstBackoffMs?: number;
  /** Longest wait between two attempts. Default 60,000 ms. */
  longestBackoffMs?: number;
}

/** A step of a template. */
export interface ServiceStep<Config = unknown> {
  /** Stable: kept with the run, and part of the idempotency key. */
  key: string;
  /**
   * Does it. What it gives back is kept as JSON for later steps, so up to 64 KiB and no secrets. Throwing means another
   * attempt, save for an OperationError of a kind that trying again does not mend (`invalid`, `not_found`, `conflict`,
   * `forbidden`, ...).
   */
  run: (context: StepContext<Config>) => unknown;
  /**
   * Undoes it, also when nobody knows whether it was done: must be content to find nothing. Without one, there is
   * nothing to undo.
   */
  compensate?: (context: CompensationContext<Config>) => unknown;
  /** The limit of one attempt. Default 30,000 ms. */
  timeoutMs?: number;
  retry?: RetryPolicy;
  /** Of `compensate`. */
  compensationRetry?: RetryPolicy;
}

/** What {@link defineServiceTemplate} takes. */
export interface ServiceTemplateInit<Config extends z.ZodType> {
  /** What customers ask for, e.g. `internet-100`. 1 to 100 characters. */
  name: string;
  /** Runs finish on the version they began with: keep it registered until they have. Default `1`. */
  version?: string | number;
  /** Reads `custom_config`. */
  config: Config;
  steps: readonly ServiceStep<z.output<Config>>[];
}

/** How a service is set up, as data: named steps in their order. */
export interface ServiceTemplate {
  readonly name: string;
  readonly version: string;
  /** Of name, version and steps: a run does not go on with steps other than those it began with. */
  readonly hash: string;
  readonly config: z.ZodType;
  readonly steps: readonly ServiceStep[];
}

/**
 * Defines a service.
 * @throws INVALID_ARGUMENT for a name that is too long, no steps, or two steps of one key
 *
 * @example
 * const internet = defineServiceTemplate({
 *   name: 'internet-100',
 *   config: z.object({ vlan: z.int().default(100) }),
 *   steps: [
 *     { key: 'reserve-port', run: ({ idempotencyKey }) => olt.reserve(idempotencyKey), compensate: ({ idempotencyKey }) => olt.release(idempotencyKey) },
 *     { key: 'create-account', run: ({ config, customer }) => radius.add(customer.username, config.vlan) },
 *   ],
 * });
 */
export function defineServiceTemplate<Config extends z.ZodType>(init: ServiceTemplateInit<Config>): ServiceTemplate {
  const { name, config, steps } = init;
  const version = String(init.version ?? 1);
  const keys = steps.map(({ key }) => key);
  const refuse = (reason: string) => coreErrors.INVALID_ARGUMENT({ argument: `service template ${name}`, reason });
  if (name.length === 0 || name.length > 100) throw refuse('a name is 1 to 100 characters');
  if (version.length === 0 || version.length > 64) throw refuse('a version is 1 to 64 characters');
  if (keys.length === 0) throw refuse('a template has at least one step');
  if (keys.some((key) => !/^[A-Za-z0-9_.-]{1,100}$/.test(key)))
    throw refuse('a step key is 1 to 100 letters, digits, "_", "." or "-"');
  if (new Set(keys).size !== keys.length) throw refuse('every step has a key of its own');
  const hash = createHash('sha256')
    .update(JSON.stringify([name, version, keys]))
    .digest('hex');
  // The engine hands each step what this schema made of the configuration.
  return { name, version, hash, config, steps: steps as unknown as readonly ServiceStep[] };
}
