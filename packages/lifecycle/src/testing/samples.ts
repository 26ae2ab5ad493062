import { newId, type AnyEvent } from '@dotmac/core';
import type { Customer } from '../customers/customer.js';
import type { Stage } from '../customers/stage.js';
import { lifecycleEvents, type LifecycleEvents } from '../events.js';
import { freshStep } from '../provisioning/plan.js';
import type { Run } from '../provisioning/run.js';
import type { ServiceInstance } from '../services/instance.js';
import type { StoredToken } from '../store/store.js';
import type { Timer } from '../timers/timer.js';

const at = Date.UTC(2026, 0, 1);

/** A customer, registered and nothing more. */
export function aCustomer(tenantId: string, change: Partial<Customer> = {}): Customer {
  const id = newId();
  return {
    id,
    tenantId,
    version: 1,
    stage: 'registration',
    churningFrom: null,
    approval: 'not_required',
    externalId: null,
    username: id,
    email: `${id}@example.com`,
    firstName: 'Thomas',
    lastName: 'Anderson',
    userType: 'residential',
    phone: '+4930901820',
    registrationSource: 'api',
    referralCode: 'FRIEND',
    termsAcceptedAt: at,
    marketingConsent: false,
    attributes: {},
    onboardingData: {},
    blocks: [],
    emailVerifiedAt: null,
    phoneVerifiedAt: null,
    erasedAt: null,
    createdAt: at,
    updatedAt: at,
    ...change,
  };
}

/** An event that led a customer into a stage. */
export function anEvent(tenantId: string, customerId: string, to: Stage, from?: Stage): AnyEvent<LifecycleEvents> {
  const of = { tenantId, actor: 'user:1', subject: customerId, at };
  return from === undefined
    ? lifecycleEvents.create('customer.registered', {
        ...of,
        data: { to, requiresApproval: false, registrationSource: 'api', referralCode: 'FRIEND' },
      })
    : lifecycleEvents.create('customer.verified', { ...of, data: { from, to, channel: 'email', additionalData: {} } });
}

/** A token that nobody tried yet. */
export function aToken(customerId: string): StoredToken {
  return {
    customerId,
    channel: 'email',
    id: newId(),
    keyId: 'key',
    hash: 'f'.repeat(64),
    attempts: 0,
    attemptMark: null,
    issuedAt: at,
    expiresAt: at + 1_000,
    consumedAt: null,
    issued: 1,
    windowStartedAt: at,
  };
}

/** A run of two steps that nobody began. */
export function aRun(tenantId: string, customerId: string, change: Partial<Run> = {}): Run {
  const id = newId();
  return {
    id,
    tenantId,
    customerId,
    serviceId: id,
    operation: 'provision',
    serviceName: 'internet',
    templateVersion: '1',
    templateHash: 'f'.repeat(64),
    config: { speed: 100 },
    previous: null,
    given: {},
    status: 'pending',
    direction: 'forward',
    steps: [freshStep('port'), { ...freshStep('account'), output: { vlan: 7 }, completedOrder: 1 }],
    nextAt: at,
    cancelRequestedAt: null,
    requestedBy: 'user:1',
    createdAt: at,
    updatedAt: at,
    provisionedAt: null,
    ...change,
  };
}

/** A service that is set up. */
export function aService(tenantId: string, customerId: string, change: Partial<ServiceInstance> = {}): ServiceInstance {
  return {
    id: newId(),
    tenantId,
    customerId,
    serviceName: 'internet',
    templateVersion: '1',
    templateHash: 'f'.repeat(64),
    config: { speed: 100 },
    status: 'active',
    access: 'full',
    outputs: { port: { vlan: 7 } },
    blocks: [],
    sparedReasons: [],
    isKept: false,
    terminateRequestedAt: null,
    openRunId: null,
    createdAt: at,
    updatedAt: at,
    provisionedAt: at,
    terminatedAt: null,
    ...change,
  };
}

/** A timer that suspends. */
export function aTimer(customerId: string, change: Partial<Timer> = {}): Timer {
  return {
    id: newId(),
    customerId,
    name: 'trial-end',
    dueAt: at,
    command: 'suspend',
    input: { actionType: 'trial' },
    anchorAt: at,
    setBy: 'user:1',
    setAt: at,
    ...change,
  };
}
