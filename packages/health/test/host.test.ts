import { describe, expect, it } from 'vitest';
import { memoryHealthStore, type Transition } from '../src/index.js';
import { staged } from './support/staged.js';

/** So seldom that no check of ours comes between what the host records. */
const seldom = 30 * 86_400;
const stage = () => staged((clock) => memoryHealthStore({ clock }), { checkIntervals: { max: seldom } });

describe('the host’s own traffic', () => {
  it('counts like a check: it opens and ends incidents, and is in the history', async () => {
    const { clock, scope, register, becomes } = await stage();
    const web = await register('web', { checkInterval: seldom, retryCount: 2 });
    await becomes(web, 'healthy');
    scope.record(web.id, { ok: false, message: 'Payment refused' });
    scope.record(web.id, { ok: false, message: 'Payment refused' });
    // One bad second is one bad result, however much traffic there is.
    expect(scope.isUp(web.id)).toBe(true);
    await clock.advance(1_000);
    scope.record(web.id, { ok: false, message: 'Payment refused' });
    expect(scope.isUp(web.id)).toBe(false);
    const [incident] = (await scope.incidents.list()).items;
    expect(incident).toMatchObject({ severity: 'critical', message: 'Payment refused' });
    await clock.advance(1);
    scope.record(web.id, { ok: true, responseTimeMs: 12 });
    expect(scope.isUp(web.id)).toBe(true);
    expect((await scope.incidents.get(incident?.id ?? '')).status).toBe('resolved');
  });

  it('is summed up whole, and kept one by one no more than once a second while all is well', async () => {
    const { clock, scope, register, becomes } = await stage();
    const web = await register('web', { checkInterval: seldom });
    await becomes(web, 'healthy');
    for (let count = 0; count < 5_000; count++) {
      if (count % 100 === 0) await clock.advance(100);
      scope.record(web.id, { responseTimeMs: 5 });
    }
    expect((await scope.history.trend(web.id, 1)).totalChecks).toBe(5_001);
    const kept = (await scope.history.results(web.id, { limit: 100 })).items;
    expect(kept.length).toBeGreaterThanOrEqual(5);
    expect(kept.length).toBeLessThanOrEqual(7);
  });

  it('is given page by page, though several came in one instant and more come meanwhile', async () => {
    const { clock, scope, register, becomes } = await stage();
    const web = await register('web', { checkInterval: seldom });
    await becomes(web, 'healthy');
    await clock.advance(5_000);
    scope.record(web.id, { ok: true, message: 'one' });
    scope.record(web.id, { ok: false, message: 'two' });
    scope.record(web.id, { status: 'offline', message: 'three' });
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await scope.history.results(web.id, { limit: 1, cursor });
      paged.push(...page.items.map(({ message }) => message));
      if (paged.length === 1) scope.record(web.id, { status: 'degraded', message: 'four' });
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(paged).toEqual(['three', 'two', 'one', 'It is well']);
    const whole = await scope.history.results(web.id);
    expect(whole.items.map(({ message }) => message)).toEqual(['four', ...paged]);
    for (const wrong of ['', '-1', '1.', '1.x', '1e3'])
      await expect(scope.history.results(web.id, { cursor: wrong })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('is degraded when it is slow, and nothing when the endpoint is paused', async () => {
    const { scope, register, becomes } = await stage();
    const web = await register('web', { checkInterval: seldom, retryCount: 1, expectedResponseTime: 0.5 });
    await becomes(web, 'healthy');
    scope.record(web.id, { responseTimeMs: 501 });
    expect((await scope.endpoints.get(web.id)).lastStatus).toBe('degraded');
    await scope.endpoints.pause(web.id);
    scope.record(web.id, { ok: false });
    expect((await scope.endpoints.get(web.id)).lastStatus).toBe('unknown');
  });

  it('counts at the time that it was seen, and for no status when something newer is known', async () => {
    const { clock, scope, register, becomes } = await stage();
    const web = await register('web', { checkInterval: seldom, retryCount: 1 });
    await becomes(web, 'healthy');
    await clock.advance(60_000);
    const seenAt = clock.now() - 30_000;
    scope.record(web.id, { ok: false, at: seenAt });
    const [incident] = (await scope.incidents.list()).items;
    expect(incident).toMatchObject({ status: 'open', startedAt: seenAt });
    expect((await scope.endpoints.get(web.id)).lastCheck).toBe(seenAt);
    scope.record(web.id, { ok: true, at: seenAt - 1 });
    expect(scope.isUp(web.id)).toBe(false);
    expect((await scope.endpoints.get(web.id)).lastCheck).toBe(seenAt);
    // The clock of another machine may be ahead of ours.
    scope.record(web.id, { ok: true, at: clock.now() + 5_000 });
    expect((await scope.endpoints.get(web.id)).lastCheck).toBe(clock.now());
    const { totalChecks, statusDistribution } = await scope.history.trend(web.id, 1);
    expect([totalChecks, statusDistribution.healthy.count, statusDistribution.critical.count]).toEqual([4, 3, 1]);
    for (const at of [clock.now() - 3_600_001, NaN, -Infinity])
      expect(() => scope.record(web.id, { ok: false, at })).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    expect(scope.isUp(web.id)).toBe(true);
  });

  it('is not taken for another tenant’s endpoint', async () => {
    const { health, register } = await stage();
    const { id } = await register('web');
    const rival = health.scope({ tenantId: 'rival', actor: 'user:2' });
    expect(() => rival.record(id, { ok: false })).toThrow(expect.objectContaining({ code: 'ENDPOINT_NOT_FOUND' }));
  });
});

describe('the host', () => {
  it('is told of transitions of its tenant, of all or of one endpoint, until it has heard enough', async () => {
    const { health, scope, register, becomes } = await stage();
    const [web, mail] = [await register('web'), await register('mail')];
    const [all, one, foreign]: [string[], string[], Transition[]] = [[], [], []];
    const stop = scope.onTransition(({ data }) => void all.push(`${data.name} ${data.to}`));
    scope.onTransition(({ data }) => void one.push(data.to), { endpointId: mail.id });
    health.scope({ tenantId: 'rival', actor: 'user:2' }).onTransition((it) => void foreign.push(it));
    await becomes(web, 'offline');
    await becomes(mail, 'critical');
    await expect.poll(() => one.at(-1)).toBe('critical');
    expect(all).toContain('web offline');
    stop();
    const heard = all.length;
    await becomes(mail, 'healthy');
    await expect.poll(() => one.at(-1)).toBe('healthy');
    expect([all.length, foreign]).toEqual([heard, []]);
  });

  it('is ready when what it needs is up', async () => {
    const { scope, register, becomes } = await stage();
    const [database, cache] = [await register('db', { tags: ['needed'] }), await register('cache')];
    await becomes(database, 'healthy');
    await becomes(cache, 'offline');
    expect(scope.readiness({ tag: 'needed' })).toEqual({
      ready: true,
      endpoints: [{ id: database.id, name: 'db', status: 'healthy' }],
    });
    expect(scope.readiness({ endpointIds: [database.id, cache.id] }).ready).toBe(false);
    expect(scope.readiness({ endpointIds: [database.id, 'nobody'] }).ready).toBe(false);
    // Mistyped, more likely than meant.
    expect(scope.readiness({ tag: 'none' })).toEqual({ ready: false, endpoints: [] });
    expect(scope.readiness({ endpointIds: [] })).toEqual({ ready: true, endpoints: [] });
  });
});
