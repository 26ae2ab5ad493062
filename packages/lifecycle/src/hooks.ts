import {
  describeError,
  isOperationError,
  warnIfSlow,
  type Clock,
  type CommandHooks,
  type Hook,
  type HookPolicy,
  type Hooks,
  type Logger,
  type StoreTransaction,
} from '@dotmac/core';
import type { Profile } from './customers/profile.js';
import type { BlockSeverity, Customer, Registration } from './customers/customer.js';
import { lifecycleErrors } from './errors.js';
import type { LegalHold } from './privacy/hold.js';
import type { Run } from './provisioning/run.js';
import type { ServiceInstance } from './services/instance.js';
import type { OperationName } from './services/operation.js';
import type { Channel } from './verification/channel.js';

/** What `suspend` and `reactivate` take. */
export interface SuspensionInput {
  reason: string;
  note: string | null;
  parameters: Record<string, unknown>;
}

interface OnCustomer {
  customerId: string;
}

interface OnService extends OnCustomer {
  serviceId: string;
}

/** A service, as a command on it left it; `openRunId` names what was begun. */
interface ServiceState {
  customer: Customer;
  service: ServiceInstance;
}

/** What the hooks of an operation are told is done. */
export interface OperationInput extends OnService {
  operation: OperationName;
  /** The id of the run that does it. */
  requestId: string;
  serviceName: string;
  customConfig: Record<string, unknown>;
  /** Of a change of plan: what the service is before. */
  previous: Run['previous'];
}

/** A service as an operation left it, and the run that did it. */
export interface OperationState extends ServiceState {
  run: Run;
}

/**
 * What is done to a service, step by step, whoever asked for it. `before` is asked by the run before its first step,
 * `inTransaction` in the transaction that says that it is done.
 */
type OperationCommands = {
  [Name in OperationName as `operation.${Name}`]: { input: OperationInput; state: OperationState };
};

/** What hooks are told, by command: what was asked, and what came of it. */
export interface LifecycleCommands extends OperationCommands, Record<string, { input: unknown; state: unknown }> {
  'customer.register': { input: Registration; state: Customer };
  'customer.update': { input: OnCustomer & Profile; state: Customer };
  'customer.approve': { input: OnCustomer; state: Customer };
  'customer.reject': { input: OnCustomer & { reason: string | null }; state: Customer };
  'customer.verify': {
    input: OnCustomer & { channel: Channel; additionalData: Record<string, unknown> };
    state: Customer;
  };
  'customer.startOnboarding': { input: OnCustomer & { onboardingData: Record<string, unknown> }; state: Customer };
  'customer.progressOnboarding': { input: OnCustomer & { onboardingData: Record<string, unknown> }; state: Customer };
  'customer.completeOnboarding': { input: OnCustomer & { onboardingData: Record<string, unknown> }; state: Customer };
  'customer.suspend': { input: OnCustomer & SuspensionInput; state: Customer };
  'customer.throttle': { input: OnCustomer & SuspensionInput; state: Customer };
  'customer.reactivate': { input: OnCustomer & SuspensionInput; state: Customer };
  'customer.promise': { input: OnCustomer & { reason: string; until: number; note: string | null }; state: Customer };
  'customer.endPromise': { input: OnCustomer & { reason: string | null }; state: Customer };
  'customer.winBack': { input: OnCustomer & { reason: string | null }; state: Customer };
  'customer.restore': { input: OnCustomer & { reason: string | null }; state: Customer };
  'customer.markChurning': { input: OnCustomer & { reason: string | null }; state: Customer };
  'customer.deactivate': { input: OnCustomer & { reason: string | null }; state: Customer };
  'customer.delete': { input: OnCustomer & { reason: string | null }; state: Customer };
  'customer.erase': { input: OnCustomer & { reference: string | null }; state: Customer };
  'customer.requestService': {
    input: OnCustomer & { serviceName: string; customConfig: Record<string, unknown> };
    state: { customer: Customer; run: Run; service: ServiceInstance };
  };
  'customer.link': { input: OnCustomer & { externalId: string | null }; state: Customer };
  'customer.setHold': {
    input: OnCustomer & { name: string; note: string | null };
    state: { customer: Customer; hold: LegalHold };
  };
  /** `hold`: as it was. */
  'customer.liftHold': { input: OnCustomer & { name: string }; state: { customer: Customer; hold: LegalHold } };
  'service.suspend': { input: OnService & SuspensionInput & { severity: BlockSeverity }; state: ServiceState };
  /** `reason`: `all` means every one. */
  'service.resume': { input: OnService & { reason: string }; state: ServiceState };
  'service.promise': { input: OnService & { reason: string; until: number; note: string | null }; state: ServiceState };
  /** `reason`: null means every one. */
  'service.endPromise': { input: OnService & { reason: string | null }; state: ServiceState };
  'service.changePlan': {
    input: OnService & { serviceName: string; customConfig: Record<string, unknown> };
    state: ServiceState;
  };
  'service.terminate': { input: OnService & { note: string | null }; state: ServiceState };
  /** An operation that failed, was cancelled or is stuck, as `run.status` says. It is what it is: `afterCommit` alone. */
  'operation.fail': { input: OperationInput; state: OperationState };
}

/** The names that hooks go by. */
export type HookName = Extract<keyof { [K in keyof LifecycleCommands as string extends K ? never : K]: 1 }, string>;

/**
 * Hooks by command, e.g. `{ 'customer.suspend': { before } }`.
 * @typeParam Trx the host's type of transaction, e.g. Kysely's `Transaction<MyTables>`
 */
export type LifecycleHooks<Trx = StoreTransaction> = Pick<
  Hooks<LifecycleCommands, Trx>,
  Exclude<HookName, 'operation.fail'>
> & { 'operation.fail'?: Pick<CommandHooks<OperationInput, OperationState, Trx>, 'afterCommit'> };

type AnyHooks = CommandHooks<unknown, unknown>;
type HookParts = Exclude<Hook<never, HookPolicy>, (context: never) => unknown>;

/** The name of the outbox subscriber behind an `afterCommit` hook. */
export const hookSubscriber = (name: string): string => `hook:${name}`;

/** The lane that they share: what is told of one customer is told in order, whichever hook it is for. */
export const hookLane = 'hooks';

/** The hooks of a command, their types aside: the engine passes what the command's own types say. */
export function hooksOf({ hooks }: { hooks: LifecycleHooks }, name: HookName): AnyHooks {
  return (hooks[name] ?? {}) as unknown as AnyHooks;
}

/**
 * Runs a `before` or `inTransaction` hook under its deadline, and under the `signal` that it is told, if any.
 * @throws HOOK_TIMED_OUT, the OperationError that the hook throws, HOOK_FAILED for anything else
 */
export async function runHook(
  { clock, logger, hookTimeoutMs }: { clock: Clock; logger: Logger; hookTimeoutMs: number },
  hook: string,
  phase: 'before' | 'inTransaction',
  given: Hook<never, HookPolicy>,
  told: Record<string, unknown> & { signal?: AbortSignal },
): Promise<void> {
  const { run, timeoutMs = hookTimeoutMs, onFailure }: HookParts = typeof given === 'function' ? { run: given } : given;
  const controller = new AbortController();
  const startedAt = clock.monotonic();
  const timedOut = lifecycleErrors.HOOK_TIMED_OUT({ hook: `${hook} (${phase})`, timeoutMs });
  const cancel = clock.after(timeoutMs, () => controller.abort(timedOut));
  try {
    await Promise.race([
      run({ ...told, signal: AbortSignal.any([controller.signal, ...(told.signal ? [told.signal] : [])]) } as never),
      new Promise<never>((_, reject) => {
        controller.signal.addEventListener('abort', () => reject(timedOut), { once: true });
      }),
    ]);
  } catch (error) {
    if (isOperationError(error) && (error !== timedOut || onFailure !== 'ignore')) throw error;
    const isIgnored = onFailure === 'ignore';
    const outcome = isIgnored ? 'a hook failed, and the command goes on without it' : 'a hook failed';
    logger.error({ hook, phase, ...describeError(error) }, outcome);
    if (!isIgnored) throw lifecycleErrors.HOOK_FAILED({ hook: `${hook} (${phase})` }, { cause: error });
  } finally {
    cancel();
    warnIfSlow(logger, hook, phase, clock.monotonic() - startedAt);
  }
}
