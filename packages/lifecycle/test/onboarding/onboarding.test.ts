import { fakeClock } from '@dotmac/core/testing';
import { expect, it } from 'vitest';
import { memoryLifecycleStore } from '../../src/store/memory/index.js';
import { crowd } from '../support/crowd.js';
import { rig, someone } from '../support/lifecycle.js';

it('a customer stays in onboarding until its checklist is done, and what it gave is kept', async () => {
  const clock = fakeClock();
  const backend = { store: memoryLifecycleStore({ clock }), clock, close: () => Promise.resolve() };
  const run = await rig(backend, {
    checklist: [
      { key: 'sign_contract', message: 'Sign.', isDone: ({ onboardingData }) => onboardingData['signed'] === true },
      { key: 'pay_deposit', message: 'Pay.', isDone: ({ onboardingData }) => onboardingData['deposit'] !== undefined },
    ],
  });
  const { customers, verification, onboarding } = run.acme;
  const { id } = await customers.register(someone());
  await expect(onboarding.onboard(id)).rejects.toMatchObject({
    code: 'ILLEGAL_TRANSITION',
    details: { stage: 'registration', command: 'startOnboarding', legal: ['approve', 'reject', 'verify', 'delete'] },
  });
  await verification.verify(id, { verificationToken: await run.token(id), verificationType: 'email' });

  const started = await onboarding.onboard(id);
  expect(started).toMatchObject({ lifecycleStage: 'onboarding', status: 'pending' });
  expect(started.nextActions.map(({ action }) => action)).toEqual([
    'sign_contract',
    'pay_deposit',
    'complete_onboarding',
  ]);
  const signed = await onboarding.onboard(id, { onboardingData: { signed: true } });
  expect(signed.nextActions.map(({ action }) => action)).toEqual(['pay_deposit', 'complete_onboarding']);
  expect((await onboarding.onboard(id, { onboardingData: { signed: true } })).lifecycleStage).toBe('onboarding');
  expect((await onboarding.onboard(id, { onboardingData: { deposit: 10 } })).lifecycleStage).toBe('active');

  expect((await customers.read(id)).onboardingData).toEqual({ signed: true, deposit: 10 });
  const { lifecycleEvents } = await customers.summary(id);
  expect(lifecycleEvents.map(({ eventType }) => eventType)).toEqual([
    'customer.registered',
    'customer.verified',
    'customer.onboarding_started',
    'customer.onboarding_progressed',
    'customer.activated',
  ]);
  await run.stop();
});

it('what a customer gives while it is onboarded comes to 64 KiB at the most', async () => {
  const clock = fakeClock();
  const backend = { store: memoryLifecycleStore({ clock }), clock, close: () => Promise.resolve() };
  const run = await rig(backend, {
    checklist: [{ key: 'sign', message: 'Sign.', isDone: ({ onboardingData }) => onboardingData['signed'] === true }],
  });
  const { customers, verification, onboarding } = run.acme;
  const { id } = await customers.register(someone());
  await verification.verify(id, { verificationToken: await run.token(id), verificationType: 'email' });
  const half = 'x'.repeat(32 * 1_024);
  const refused = { code: 'INVALID_INPUT', issues: [{ path: 'onboarding_data' }] };
  await expect(onboarding.onboard(id, { onboardingData: { one: half, two: half } })).rejects.toMatchObject(refused);
  expect((await customers.get(id)).lifecycleStage).toBe('verification');
  await onboarding.onboard(id, { onboardingData: { one: half } });
  await expect(onboarding.onboard(id, { onboardingData: { two: half } })).rejects.toMatchObject(refused);
  expect((await customers.read(id)).onboardingData).toEqual({ one: half });
  await onboarding.onboard(id, { onboardingData: { one: '', two: half } });
  await onboarding.onboard(id, { onboardingData: { signed: true } });
  expect((await customers.get(id)).lifecycleStage).toBe('active');
  await run.stop();
});

it('what a customer gave before there was a limit grows no more, and shrinks by what takes its place', async () => {
  const clock = fakeClock();
  const backend = { store: memoryLifecycleStore({ clock }), clock, close: () => Promise.resolve() };
  const run = await rig(backend, {
    checklist: [{ key: 'sign', message: 'Sign.', isDone: ({ onboardingData }) => onboardingData['signed'] === true }],
  });
  const [half, most] = ['x'.repeat(32 * 1_024), 'x'.repeat(64 * 1_024)];
  const [{ id } = expect.unreachable()] = await crowd(backend.store, 1, {
    stage: 'onboarding',
    onboardingData: { one: most, two: most, three: 3 },
  });
  const give = (onboardingData: Record<string, unknown>) => run.acme.onboarding.onboard(id, { onboardingData });
  const refused = { code: 'INVALID_INPUT', issues: [{ path: 'onboarding_data' }] };
  await expect(give({ signed: true })).rejects.toMatchObject(refused);
  await give({ two: half });
  await expect(give({ signed: true })).rejects.toMatchObject(refused);
  await give({ one: null, signed: true });
  const { stage, onboardingData } = await run.acme.customers.read(id);
  expect({ stage, onboardingData }).toEqual({
    stage: 'active',
    onboardingData: { one: null, two: half, three: 3, signed: true },
  });
  await run.stop();
});
