import { describe, expect, it } from 'vitest';
import type { Block, Customer } from '../../src/customers/customer.js';
import { lifecycleSchemas } from '../../src/events.js';
import {
  erasedActor,
  erasedCustomer,
  erasedRun,
  erasedService,
  erasedSignals,
  namesOf,
  personalOf,
  withoutPersonal,
} from '../../src/privacy/personal.js';
import { freshStep } from '../../src/provisioning/plan.js';
import type { Run } from '../../src/provisioning/run.js';
import type { Signal } from '../../src/provisioning/signal.js';
import type { ServiceInstance } from '../../src/services/instance.js';

const block = (openedBy: string): Block => ({
  ...{ reason: 'late', severity: 'throttle', promisedUntil: null, openedAt: 1, openedBy },
  ...{ note: 'Neo was rude', parameters: { amount: 7 } },
});
const customer: Customer = {
  ...{ id: 'c', tenantId: 't', version: 1, stage: 'inactive', churningFrom: null, approval: 'approved' },
  ...{
    userType: 'residential',
    externalId: 'crm-7',
    username: 'Neo',
    email: 'Neo@example.com',
    firstName: 'Thomas',
    lastName: 'Anderson',
  },
  ...{ phone: '+49 30 901820', registrationSource: 'api', referralCode: 'trinity', termsAcceptedAt: 1 },
  ...{ marketingConsent: true, attributes: { pill: 'red' }, onboardingData: { contract: 'signed' } },
  ...{ blocks: [block('user:NEO'), block('user:smith')], emailVerifiedAt: 2, phoneVerifiedAt: 3 },
  ...{ erasedAt: null, createdAt: 1, updatedAt: 4 },
};
const names = namesOf(customer, ['The.One@example.com']);

describe('the names of a customer', () => {
  it.each([
    ['user:neo', 'erased'],
    ['NEO', 'erased'],
    ['user:neo@example.com', 'erased'],
    ['user:the.one@example.com', 'erased'],
    ['user:smith', 'user:smith'],
    ['user:neo2', 'user:neo2'],
    ['system', 'system'],
  ])('are told no more: %s acted as %s', (actor, told) => {
    expect(erasedActor(actor, names)).toBe(told);
  });
});

/** What events tell in words of ours: ids, names of the host's making, stages, times. All else may speak of a person. */
const history = new Set([
  ...['from', 'to', 'requiresApproval', 'registrationSource', 'channel', 'unverified', 'fields', 'reference', 'hold'],
  ...['openReasons', 'reasons', 'lifted', 'severity', 'until', 'dueAt', 'timer', 'command', 'subscriber', 'eventType'],
  ...['policy', 'invoiceId', 'invoices', 'overdueSince', 'action', 'afterDays', 'step', 'journey', 'decision'],
  ...['requestId', 'serviceId', 'serviceName', 'operation', 'isKept'],
]);
/** Where a reason is a class of reasons, and not somebody's words. */
const classed =
  /^(customer\.(suspended|suspension_added|throttled|suspension_lifted|reactivated|promised)|service\.(blocked|promised))$/;

describe('what is personal in an event', () => {
  it.each(Object.entries(lifecycleSchemas).map(([name, { shape }]) => [name, Object.keys(shape)] as const))(
    'is all of %s that is no history: %j',
    (name, keys) => {
      const isHistory = (key: string): boolean => history.has(key) || (key === 'reason' && classed.test(name));
      const data = Object.fromEntries(keys.map((key) => [key, `${key} of Neo`]));
      const event = { name, data } as unknown as Parameters<typeof personalOf>[0];
      const left: Readonly<Record<string, unknown>> = withoutPersonal(event).data;
      expect(keys.filter((key) => left[key] === data[key])).toEqual(keys.filter(isHistory));
      expect(Object.keys(personalOf(event) ?? {}).toSorted()).toEqual(keys.filter((key) => !isHistory(key)).toSorted());
      expect(personalOf(withoutPersonal(event))).toBeUndefined();
    },
  );
});

describe('what an erasure leaves', () => {
  it('of a customer is its stages, dates and classes of reasons', () => {
    const wordless = {
      reason: 'late',
      severity: 'throttle',
      promisedUntil: null,
      openedAt: 1,
      note: null,
      parameters: {},
    };
    expect(erasedCustomer(customer, names, 9)).toEqual({
      ...{
        id: 'c',
        tenantId: 't',
        version: 1,
        stage: 'inactive',
        churningFrom: null,
        approval: 'approved',
        userType: 'residential',
      },
      ...{ externalId: null, username: 'erased c', email: 'erased c', firstName: '', lastName: '', phone: null },
      ...{ registrationSource: 'api', referralCode: null, termsAcceptedAt: 1, marketingConsent: false },
      ...{ attributes: {}, onboardingData: {}, emailVerifiedAt: 2, phoneVerifiedAt: 3, erasedAt: 9 },
      blocks: [
        { ...wordless, openedBy: 'erased' },
        { ...wordless, openedBy: 'user:smith' },
      ],
      ...{ createdAt: 1, updatedAt: 4 },
    });
    expect(erasedCustomer({ ...customer, erasedAt: 5 }, names, 9).erasedAt).toBe(5);
  });

  it('of a service is what it was, without how it was set up', () => {
    const service = {
      ...{ id: 's', status: 'terminated', serviceName: 'internet', openRunId: null },
      ...{ config: { password: 'x' }, outputs: { login: 'neo' }, blocks: [block('user:neo')] },
    } as unknown as ServiceInstance;
    expect(erasedService(service, names)).toEqual({
      ...service,
      ...{ config: {}, outputs: {}, blocks: [{ ...block('erased'), note: null, parameters: {} }] },
    });
  });

  it('of a run is which steps there were, and how they went', () => {
    const step = { ...freshStep('line'), status: 'compensation_failed' as const, attempts: 3 };
    const said = { error: 'Neo has no line', compensationError: 'Neo has a line still' };
    const run = {
      ...{ id: 'r', tenantId: 't', operation: 'change_plan', requestedBy: 'user:neo', given: { login: 'neo' } },
      ...{ config: { speed: 1 }, previous: { serviceName: 'internet', config: { password: 'x' } } },
      steps: [{ ...step, output: { login: 'neo' }, ...said }],
    } as unknown as Run;
    expect(erasedRun(run, names)).toEqual({
      ...{ ...run, requestedBy: 'erased', given: {}, config: {} },
      ...{ previous: { serviceName: 'internet', config: {} }, steps: [{ ...step, output: null, error: null }] },
    });
    expect(erasedRun({ ...run, previous: null }, names).previous).toBeNull();
  });

  it('of what was said to a step is who decided what; who spoke by several names of its own stays as many', () => {
    const signal = (by: string, stepKey = 'approve'): Signal => ({
      ...{ runId: 'r', stepKey, by, kind: 'approve', at: 1 },
      ...{ comment: 'It is fine, says Neo', output: { login: 'neo' } },
    });
    const said = [signal('user:neo'), signal('user:smith'), signal('neo@example.com'), signal('user:neo', 'other')];
    const left = said.map((it) => ({ ...it, comment: null, output: null }));
    expect(erasedSignals(said, names)).toEqual(
      ['erased', 'user:smith', 'erased:2', 'erased'].map((by, index) => ({ ...left[index], by })),
    );
  });
});
