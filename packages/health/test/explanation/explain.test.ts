import { describe, expect, it } from 'vitest';
import { memoryHealthStore } from '../../src/index.js';
import { staged } from '../support/staged.js';

const stage = () => staged((clock) => memoryHealthStore({ clock }));

describe('an explanation', () => {
  it('says what the last check said, what is counted, and what comes next', async () => {
    const { clock, scope, states, register, becomes, until } = await stage();
    const web = await register('web', { retryCount: 3, minErrorTime: 60, checkInterval: 30 });
    expect((await scope.explain(web.id)).reasons).toEqual([{ code: 'unchecked', text: 'It was not checked yet.' }]);
    await becomes(web, 'healthy');
    states.set('web', 'offline');
    await until(async () => (await scope.explain(web.id)).reasons.some(({ code }) => code === 'worsening'));
    const { status, reasons, nextCheckAt, recent, counters, thresholds } = await scope.explain(web.id);
    expect(status).toBe('healthy');
    expect(reasons.map(({ code }) => code)).toEqual(['last_check', 'worsening']);
    expect(reasons[1]?.text).toMatch(/^\d of 3 worse results in a row, for .* of 1 min: it is still healthy\.$/);
    expect(nextCheckAt).toBeGreaterThan(clock.now() - 1);
    expect(reasons[1]?.text).toMatch(new RegExp(`^${counters.worse} of ${thresholds.retryCount} worse`));
    expect(counters).toMatchObject({ better: 0, betterSince: null, ownTrouble: 0, flapping: false });
    expect(counters.worseSince).toBeLessThanOrEqual(clock.now());
    expect(thresholds).toEqual({
      ...{ retryCount: 3, minErrorTime: 60, recoveryCount: 1 },
      ...{ recoveryResponseTime: null, expectedResponseTime: 1 },
    });
    expect(recent[0]).toMatchObject({ status: 'offline', message: 'It is gone' });
  });

  it('says of an incident, a window and a parent what they have to do with it', async () => {
    const { clock, scope, register, becomes } = await stage();
    const router = await register('router');
    const web = await register('web', { dependsOn: [router.id] });
    await becomes(router, 'offline');
    await becomes(web, 'offline');
    const now = clock.now();
    await scope.windows.create({ name: 'patching', startsAt: now - 1, endsAt: now + 60_000 });
    const { reasons } = await scope.explain(web.id);
    expect(reasons.map(({ code }) => code)).toEqual(['last_check', 'incident', 'maintenance', 'suppressed']);
    expect(reasons.at(-1)?.text).toBe('It depends on "router", whose trouble this is.');
    await scope.endpoints.pause(web.id);
    expect((await scope.explain(web.id)).reasons[0]?.code).toBe('paused');
    expect((await scope.explain(web.id)).nextCheckAt).toBeNull();
  });

  it('of another tenant’s endpoint is none', async () => {
    const { health, register } = await stage();
    const { id } = await register('web');
    const rival = health.scope({ tenantId: 'rival', actor: 'user:2' });
    await expect(rival.explain(id)).rejects.toMatchObject({ code: 'ENDPOINT_NOT_FOUND' });
    await expect(rival.simulate(id)).rejects.toMatchObject({ code: 'ENDPOINT_NOT_FOUND' });
  });
});
