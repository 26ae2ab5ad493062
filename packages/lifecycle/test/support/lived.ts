import { z } from 'zod';
import { kyselyIdempotencyStore } from '@dotmac/core/kysely';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import type { LifecycleOptions } from '../../src/options.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import type { Backend } from './backends.js';
import { until, type Rig } from './lifecycle.js';

/** Somebody, with a word of its own for every place where one may be. */
export const person = {
  username: 'Zebulon.Quux',
  email: 'zebulon@quuxmail.example',
  firstName: 'Zebulon',
  lastName: 'Quuxington-Smythe',
  userType: 'residential',
  phone: '+49 30 5550199 42',
  referralCode: 'VIA-AUNT-HILDEGARD',
  attributes: { passport: 'X99-PASSPORT-77', home: { street: 'Rue Évariste 12' } },
};
/** What nobody may find afterwards. */
export const traces = [
  ...[person.username, person.email, person.firstName, person.lastName, person.phone, person.referralCode],
  ...[person.attributes.passport, person.attributes.home.street, 'Kettle-Lane 9', 'MAC-AA-BB-CC-77'],
];
const told = `${person.firstName} ${person.lastName}, ${person.email}, called from ${person.phone}`;

const template = defineServiceTemplate({
  name: 'internet',
  config: z.object({ install: z.string() }),
  steps: [
    { key: 'boss', approval: { quorum: 1, expiresInMs: 3_600_000 } },
    { key: 'port', run: () => ({ modem: 'MAC-AA-BB-CC-77', owner: person.email }) },
  ],
  operations: { deprovision: [{ key: 'gone', run: () => undefined }] },
});
const dunning = defineDunningPolicy({
  name: 'standard',
  steps: [
    { afterDays: 5, action: 'warn' },
    { afterDays: 30, action: 'suspend' },
  ],
});
/** What makes use of everything that keeps something of a customer. */
export const everything: Partial<LifecycleOptions> = {
  templates: [template],
  dunning: [dunning],
  // What waits for these lies in the outbox, whole.
  hooks: {
    'customer.markChurning': { afterCommit: () => Promise.reject(new Error('not now')) },
    'customer.requestService': { afterCommit: () => Promise.reject(new Error('not now')) },
    'customer.setHold': { afterCommit: () => Promise.reject(new Error('not now')) },
    'service.suspend': { afterCommit: () => Promise.reject(new Error('not now')) },
    'operation.provision': { afterCommit: () => Promise.reject(new Error('not now')) },
  },
};

/** A life that leaves something in every table, up to the departure. */
export async function lived(run: Rig, backend: Backend): Promise<string> {
  const { acme, clock } = run;
  run.module.subscribe({ name: 'audit', deliver: () => Promise.reject(new Error('not now')) });
  const { id } = await acme.customers.register(person);
  const verify = async (channel: 'email' | 'phone') =>
    acme.verification.verify(id, {
      verificationToken: await run.token(id, channel),
      verificationType: channel,
      additionalData: { told },
    });
  await verify('email');
  await acme.onboarding.onboard(id, { onboardingData: { install: 'Kettle-Lane 9', told } });
  const abuse = { actionType: 'abuse', severity: 'throttle', reason: told, parameters: { told } } as const;
  await acme.suspension.suspend(id, abuse);
  const asked = { serviceName: 'internet', customConfig: { install: 'Kettle-Lane 9' } };
  const { id: serviceId } = await acme.services.request(id, asked, { idempotencyKey: 'asked' });
  const own = run.module.scope({ tenantId: 'acme', actor: `user:${person.email}` });
  await own.provisioning.decide(serviceId, { step: 'boss', decision: 'approve', comment: told });
  const is = (status: string) => until(async () => (await acme.services.get(serviceId)).status === status, clock);
  await is('active');
  const block = { actionType: 'abuse', severity: 'throttle', reason: told, parameters: {} } as const;
  // Its answer holds the service's configuration.
  await acme.services.suspend(serviceId, block, { idempotencyKey: 'blocked' });
  await acme.privacy.setHold(id, { name: 'case', note: told });
  await acme.privacy.liftHold(id, 'case');
  await acme.timers.set(id, {
    name: 'later',
    command: 'markChurning',
    input: { reason: told },
    dueAt: clock.now() + 1e9,
  });
  await acme.dunning.overdue(id, { invoiceId: 'A-1', facts: { bill: told } });
  await acme.customers.markChurning(id, { reason: told });
  await own.customers.deactivate(id, { reason: told });
  await is('terminated');
  if (backend.database) {
    const store = kyselyIdempotencyStore(backend.database);
    const begin = { tenantId: 'acme', key: 'k', fingerprint: 'f', now: Date.now(), leaseMs: 9e6, retentionMs: 9e6 };
    const started = await store.begin(begin);
    if (started.state === 'started') {
      const body = JSON.stringify({ customer_id: id, told });
      await store.complete({ ...begin, token: started.token, answer: { status: 200, headers: {}, body } });
    }
  }
  return id;
}
