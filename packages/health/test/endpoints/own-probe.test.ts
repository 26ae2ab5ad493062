import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createHealth, defineProbe, memoryHealthStore } from '../../src/index.js';
import { acme, paths } from '../support/quiet.js';

describe('a probe of the host’s own', () => {
  const depth = defineProbe({
    serviceType: 'queue_depth',
    summary: 'Counts waiting jobs',
    addressing: 'none',
    config: z.strictObject({ queue: z.enum(['mail', 'broken']) }),
    facts: ['waiting'],
    run: ({ config }) =>
      config.queue === 'broken'
        ? Promise.reject(new Error('postgres://user:hunter2@db'))
        : Promise.resolve({ responseTimeMs: 1, message: '7 jobs wait', facts: { waiting: 7 } }),
  });

  it('checks endpoints that name it, typed by its configuration, and is in the catalogue', async () => {
    const health = createHealth({ store: memoryHealthStore(), probes: [depth] });
    onTestFinished(() => health.stop());
    await health.start();
    const { endpoints, probes, isUp } = health.scope(acme);
    const draft = { name: 'mail queue', serviceType: 'queue_depth', retryCount: 1 };
    await expect(endpoints.register({ ...draft, config: { queue: 'fax' } })).rejects.toMatchObject(
      paths('config.queue'),
    );
    const { id } = await endpoints.register({ ...draft, config: { queue: 'mail' } });
    expect(await endpoints.check(id)).toMatchObject({ status: 'healthy', message: '7 jobs wait' });
    expect([isUp(id), isUp('nobody'), health.scope({ tenantId: 'globex' }).isUp(id)]).toEqual([true, false, false]);
    const conditions = [{ on: 'waiting', op: 'lt' as const, value: 5, severity: 'degraded' as const }];
    await endpoints.update(id, { conditions });
    expect(await endpoints.check(id)).toMatchObject({ status: 'degraded' });
    await endpoints.update(id, { config: { queue: 'broken' }, conditions: [] });
    expect(await endpoints.check(id)).toMatchObject({ status: 'unknown', message: 'The check itself failed' });
    expect(probes().items.find((it) => it.serviceType === 'queue_depth')).toMatchObject({
      addressing: 'none',
      facts: ['waiting'],
      config: { type: 'object', required: ['queue'] },
    });
  });

  it('must have a name that is free', () => {
    const store = memoryHealthStore();
    for (const serviceType of ['tcp', 'Queue', ''])
      expect(() => createHealth({ store, probes: [{ ...depth, serviceType }] })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
  });
});
