import { newId } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it } from 'vitest';
import { memoryHealthStore } from '../../src/index.js';
import { periodsOf } from '../../src/windows/recurrence.js';
import { createCalendar } from '../../src/windows/calendar.js';
import type { WindowRecord } from '../../src/windows/window.js';

const [minute, hour] = [60_000, 3_600_000];
const start = Date.UTC(2026, 0, 1);
const windowOf = (more: Partial<WindowRecord>): WindowRecord => ({
  ...{ id: newId(), tenantId: 'acme', name: 'Patching', createdAt: start, updatedAt: start },
  ...{ startsAt: null, endsAt: null, cron: null, rrule: null, timeZone: 'UTC', duration: null },
  ...{ tags: [], endpointIds: [] },
  ...more,
});
const web = { tenantId: 'acme', id: 'web', tags: ['core'] };

async function stage(windows: readonly Partial<WindowRecord>[]) {
  const [clock, store] = [fakeClock(start + 12 * hour), memoryHealthStore()];
  const made = windows.map(windowOf);
  for (const window of made) await store.tenant(window.tenantId).windows.insert(window);
  const calendar = createCalendar({ store, clock });
  /** The minutes of a time that are planned. */
  const planned = async (endpoint = web, from = start, until = start + 24 * hour) => {
    const isPlanned = await calendar.planned(['acme', 'globex', 'acme']);
    const found: number[] = [];
    for (let at = from; at < until; at += minute) if (isPlanned(endpoint, at)) found.push((at - start) / minute);
    return found;
  };
  return { clock, store, calendar, made, planned };
}

describe('planned maintenance', () => {
  it('is every minute that a window touches, and none besides', async () => {
    const { planned } = await stage([{ startsAt: start + 90_001, endsAt: start + 4 * minute }]);
    expect(await planned()).toEqual([1, 2, 3]);
    const { planned: brief } = await stage([{ startsAt: start + 119_999, endsAt: start + 2 * minute + 1 }]);
    expect(await brief()).toEqual([1, 2]);
    const { planned: within } = await stage([{ startsAt: start + 10_000, endsAt: start + 20_000 }]);
    expect(await within()).toEqual([0]);
  });

  it('comes again with windows that recur, looked at in any order', async () => {
    const { calendar } = await stage([{ cron: '30 */6 * * *', duration: 120 }]);
    const isPlanned = await calendar.planned(['acme']);
    const at = [750, 31, 30, 29, 32, 391, 1_110, 750, 30].filter((it) => isPlanned(web, start + it * minute));
    expect(at).toEqual([750, 31, 30, 391, 1_110, 750, 30]);
  });

  it('is that of the endpoints and the tenant that a window is about', async () => {
    const timing = { startsAt: start, endsAt: start + minute };
    const { planned } = await stage([{ ...timing, tags: ['core'] }]);
    expect(await planned()).toEqual([0]);
    expect(await planned({ ...web, tags: ['edge'] })).toEqual([]);
    expect(await planned({ ...web, tenantId: 'globex' })).toEqual([]);
    const { planned: named } = await stage([{ ...timing, endpointIds: ['web'] }]);
    expect([await named(), await named({ ...web, id: 'api' })]).toEqual([[0], []]);
  });

  it('is as windows are, once what others changed is seen', async () => {
    const { clock, store, made, planned } = await stage([{ startsAt: start, endsAt: start + minute }]);
    expect(await planned()).toEqual([0]);
    await store.tenant('acme').windows.change(made[0]?.id ?? '', () => ({
      ...windowOf({}),
      ...made[0],
      endsAt: start + 2 * minute,
      updatedAt: start + 1,
    }));
    await clock.advance(10_000);
    expect(await planned()).toEqual([0, 1]);
  });

  it('of ten thousand tenants is read in few reads, none of them without bound, and kept for who asks soon after', async () => {
    const [clock, store] = [fakeClock(start), memoryHealthStore()];
    const tenants = Array.from({ length: 10_000 }, (_, index) => `tenant-${index}`);
    const timing = { startsAt: start, endsAt: start + minute };
    // One in a hundred has a window; one has more than a page of them.
    for (const tenantId of tenants.filter((_, index) => index % 100 === 7))
      await store.tenant(tenantId).windows.insert(windowOf({ tenantId, ...timing }));
    for (let count = 0; count < 1_500; count++)
      await store
        .tenant('tenant-3')
        .windows.insert(windowOf({ tenantId: 'tenant-3', endpointIds: [`e${count}`], ...timing }));
    const reads: number[] = [];
    const calendar = createCalendar({
      clock,
      store: {
        async windowsOf(tenantIds, ask) {
          expect(tenantIds.length).toBeLessThanOrEqual(500);
          const page = await store.windowsOf(tenantIds, ask);
          reads.push(page.length);
          return page;
        },
      },
    });
    const isPlanned = await calendar.planned(tenants);
    const planned = tenants.filter((tenantId) => isPlanned({ ...web, tenantId }, start));
    expect(planned).toEqual(tenants.filter((_, index) => index % 100 === 7));
    expect(isPlanned({ ...web, tenantId: 'tenant-3', id: 'e1499' }, start)).toBe(true);
    expect(reads).toHaveLength(21);
    expect(Math.max(...reads)).toBe(1_000);
    await calendar.planned(tenants);
    await calendar.over('tenant-7', web);
    expect(reads).toHaveLength(21);
    calendar.forget('tenant-7');
    await calendar.planned(tenants);
    expect(reads).toHaveLength(22);
  });

  it('is asked for anew by whoever asks after a read that failed', async () => {
    const { clock, store } = await stage([{ startsAt: start, endsAt: start + minute }]);
    let isOut = true;
    const calendar = createCalendar({
      clock,
      store: { windowsOf: (...ask) => (isOut ? Promise.reject(new Error('away')) : store.windowsOf(...ask)) },
    });
    await expect(calendar.planned(['acme', 'globex'])).rejects.toThrow('away');
    isOut = false;
    expect((await calendar.planned(['acme', 'globex']))(web, start)).toBe(true);
  });
});

describe('the window over an endpoint', () => {
  it('is the one that lasts longest from now, of those that are about it', async () => {
    const now = start + 12 * hour;
    const lasting = (name: string, hours: number, more: Partial<WindowRecord> = {}) => ({
      ...{ name, startsAt: now - hour, endsAt: now + hours * hour },
      ...more,
    });
    const { clock, calendar } = await stage([
      lasting('brief', 1),
      lasting('long', 3),
      lasting('middle', 2),
      lasting('another', 9, { endpointIds: ['api'] }),
      lasting('of globex', 9, { tenantId: 'globex' }),
      { name: 'later', startsAt: now + hour, endsAt: now + 9 * hour },
    ]);
    expect(await calendar.over('acme', web)).toEqual({ name: 'long', until: now + 3 * hour });
    expect(await calendar.over('acme', { id: 'api', tags: [] })).toMatchObject({ name: 'another' });
    await clock.advance(9 * hour);
    expect(await calendar.over('acme', web)).toBeUndefined();
  });
});

describe('the periods of a window', () => {
  it('are told for any instant, whatever was asked before', () => {
    const timing = windowOf({ cron: '0 0,12 * * *', duration: 3_600 });
    const periodAt = periodsOf(timing);
    for (const hours of [13, 12.5, 0, 25, 0.99, 1, 11.99, 24, 12, 13]) {
      const { from, until, lasts } = periodAt(start + hours * hour);
      const inHalf = hours % 12;
      expect(lasts, `${hours}`).toBe(inHalf < 1);
      expect(until).toBe(start + (hours - inHalf + (lasts ? 1 : 12)) * hour);
      expect(from).toBeLessThanOrEqual(start + hours * hour);
    }
  });
});
