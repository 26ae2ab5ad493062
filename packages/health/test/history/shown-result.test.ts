import { expect, it } from 'vitest';
import { memoryHealthStore } from '../../src/index.js';
import { shownAs } from '../../src/history/shown-result.js';
import { staged } from '../support/staged.js';

const none = { dns: null, connect: null, tls: null, firstByte: null, transfer: null, total: null };

it('a check is shown with the parts of its time and the whole, in seconds', () => {
  const phases = { dnsMs: 5, connectMs: 0.25, transferMs: 10, totalMs: 30.000_4 };
  const result = { at: 1, status: 'healthy', code: 'ok', message: 'Answered HTTP 200', responseTimeMs: 12 } as const;
  expect(shownAs({ ...result, phases })).toEqual({
    ...{ checkedAt: 1, status: 'healthy', code: 'ok', message: 'Answered HTTP 200', responseTime: 0.012 },
    phases: { ...none, dns: 0.005, connect: 0.000_25, transfer: 0.01, total: 0.03 },
  });
});

it('every check of our own has a whole, and what the host has told has none', async () => {
  const { scope, clock, register, becomes } = await staged((it) => memoryHealthStore({ clock: it }));
  const web = await register('web');
  await becomes(web, 'offline');
  scope.record(web.id, { ok: true, at: clock.now() });
  const { items } = await scope.history.results(web.id);
  expect(items.map(({ phases }) => phases)).toEqual([none, ...items.slice(1).map(() => ({ ...none, total: 0 }))]);
  expect(items.length).toBeGreaterThan(1);
});
