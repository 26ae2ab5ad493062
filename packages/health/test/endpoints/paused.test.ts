import { describe, expect, it } from 'vitest';
import { memoryHealthStore } from '../../src/index.js';
import { acme, gateway, quiet } from '../support/quiet.js';
import { staged } from '../support/staged.js';

describe('an endpoint that is paused', () => {
  it('from the beginning is not checked before it is resumed', async () => {
    const { clock, register, scope, probed, until } = await staged((it) => memoryHealthStore({ clock: it }));
    const { id, pausedAt, lastStatus } = await register('web', { paused: true });
    expect([pausedAt, lastStatus]).toEqual([clock.now(), 'unknown']);
    await scope.endpoints.registerMany([
      { name: 'mail', serviceType: 'played', config: { name: 'mail' }, paused: true },
      { name: 'shop', serviceType: 'played', config: { name: 'shop' }, checkInterval: 5 },
    ]);
    await clock.advance(60_000);
    expect(new Set(probed)).toEqual(new Set(['shop']));
    await expect(scope.endpoints.check(id)).rejects.toMatchObject({ code: 'ENDPOINT_PAUSED' });
    expect(await scope.endpoints.update(id, { name: 'www' })).toMatchObject({ name: 'www', pausedAt });
    await scope.endpoints.resume(id);
    await until(() => probed.includes('web'));
  });

  it('is unknown until it is resumed, and is not checked on request', async () => {
    const { endpoints, health } = quiet();
    const { id } = await endpoints.register(gateway);
    expect(await endpoints.pause(id)).toMatchObject({ pausedAt: expect.any(Number) as number, lastStatus: 'unknown' });
    await expect(endpoints.check(id)).rejects.toMatchObject({ code: 'ENDPOINT_PAUSED' });
    const again = await endpoints.pause(id);
    expect(again.pausedAt).toBe((await endpoints.get(id)).pausedAt);
    expect(health.scope(acme).summary().details[0]?.message).toBe('Paused');
    expect((await endpoints.resume(id)).pausedAt).toBeNull();
  });
});
