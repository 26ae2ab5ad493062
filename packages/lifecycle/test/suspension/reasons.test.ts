import { fakeClock } from '@dotmac/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { memoryLifecycleStore } from '../../src/store/memory/index.js';
import { rig, type Rig } from '../support/lifecycle.js';

describe('reasons of a suspension', () => {
  let run: Rig;
  let id: string;
  beforeEach(async () => {
    const clock = fakeClock();
    run = await rig({ store: memoryLifecycleStore({ clock }), clock, close: () => Promise.resolve() });
    id = await run.active();
  });
  const suspend = (actionType: string) => run.acme.suspension.suspend(id, { actionType });
  const reactivate = async (actionType: string) => (await run.acme.suspension.reactivate(id, { actionType })).status;
  const refused = { code: 'ILLEGAL_TRANSITION' };

  it('are lifted each by itself, and the last one reactivates', async () => {
    await suspend('non_payment');
    expect((await suspend('abuse')).nextActions.map(({ message }) => message)).toEqual([
      'Resolve the reason "non_payment".',
      'Resolve the reason "abuse".',
    ]);
    expect(await reactivate('non_payment')).toBe('suspended');
    await expect(reactivate('non_payment')).rejects.toMatchObject(refused);
    expect(await reactivate('abuse')).toBe('active');
    const events = (await run.acme.customers.summary(id)).lifecycleEvents.slice(4).map(({ eventType }) => eventType);
    expect(events).toEqual([
      'customer.suspended',
      'customer.suspension_added',
      'customer.suspension_lifted',
      'customer.reactivated',
    ]);
  });

  it('cannot be named as what lifts them all, nor come with facts without end', async () => {
    await expect(suspend('all')).rejects.toMatchObject({ kind: 'invalid', issues: [{ path: 'action_type' }] });
    const parameters = { note: 'x'.repeat(16_384) };
    await expect(run.acme.suspension.suspend(id, { actionType: 'abuse', parameters })).rejects.toMatchObject({
      kind: 'invalid',
      issues: [{ path: 'parameters' }],
    });
    expect(await run.acme.customers.get(id)).toMatchObject({ status: 'active' });
  });

  it('are lifted by a plain "reactivate" when there is one, whatever it is', async () => {
    await suspend('abuse');
    expect(await reactivate('reactivate')).toBe('active');
    await suspend('suspend');
    expect(await reactivate('reactivate')).toBe('active');
  });

  it('are not guessed among several, save for the general one', async () => {
    await suspend('abuse');
    await suspend('suspend');
    expect(await reactivate('reactivate')).toBe('suspended');
    await suspend('non_payment');
    await expect(reactivate('reactivate')).rejects.toMatchObject(refused);
    await expect(reactivate('payment_received')).rejects.toMatchObject(refused);
    expect((await run.acme.customers.read(id)).blocks.map(({ reason }) => reason)).toEqual(['abuse', 'non_payment']);
    expect(await reactivate('all')).toBe('active');
  });

  it('are checked in code as over HTTP', async () => {
    await expect(suspend('no spaces please')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: 'action_type' }],
    });
  });
});
