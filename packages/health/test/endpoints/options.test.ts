import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHealth, memoryHealthStore } from '../../src/index.js';

it.each([{ incidents: 0 }, { undelivered: NaN }])('%o of days to keep things are refused', (keptDays) => {
  const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error;
  expect(() => createHealth({ store: memoryHealthStore(), keptDays })).toThrow(refused);
});

it.each([
  { concurrency: { total: 0 } },
  { concurrency: { perTenant: -1 } },
  { keptResults: { recent: 0 } },
  { keptResults: { issues: NaN } },
])('%o is refused: nothing would be checked, or kept', (options) => {
  const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error;
  expect(() => createHealth({ store: memoryHealthStore(), ...options })).toThrow(refused);
});

describe('the bounds of check intervals', () => {
  it.each([{ min: 0.2 }, { max: 2_592_001 }, { min: 60, max: 30 }, { min: NaN }, { max: Infinity }])(
    'cannot be %o',
    (checkIntervals) => {
      expect(() => createHealth({ store: memoryHealthStore(), checkIntervals })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
    },
  );
});

describe('retention', () => {
  it('that keeps the fine longer than the coarse is refused', () => {
    const store = memoryHealthStore();
    for (const retentionDays of [{ minute: 0 }, { hour: 1 }, { day: 1 }, { minute: 50 }])
      expect(() => createHealth({ store, retentionDays })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
  });

  it('is not checked on request by a process that checks nothing', async () => {
    const health = createHealth({ store: memoryHealthStore(), clock: fakeClock(), monitoring: false });
    await health.start();
    onTestFinished(() => health.stop());
    const { endpoints } = health.scope({ tenantId: 'acme' });
    const { id } = await endpoints.register({ name: 'gw', host: 'gw.example.com', port: 443, serviceType: 'tcp' });
    await expect(endpoints.check(id)).rejects.toMatchObject({ code: 'ENDPOINT_NOT_CHECKED' });
  });
});
