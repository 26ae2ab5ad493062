import { describe, expect, it } from 'vitest';
import { memoryHealthStore } from '../../src/index.js';
import { staged } from '../support/staged.js';

const minute = 60_000;
const hour = 60 * minute;

/** A service level over an endpoint that has been well for an hour and a half, and what is told of it. */
async function stage() {
  const it = await staged((clock) => memoryHealthStore({ clock }));
  const { clock, health, scope, register, becomes, until, states } = it;
  const endpoint = await register('api', { checkInterval: 30 });
  await becomes(endpoint, 'healthy');
  const told: string[] = [];
  health.events.on('objective.burning', ({ data }) => void told.push(data.severity));
  health.events.on('objective.recovered', () => void told.push('recovered'));
  await clock.advance(90 * minute);
  await scope.objectives.create({ name: 'It answers', target: 0.99, endpointId: endpoint.id });
  const isDownFor = async (ms: number): Promise<void> => {
    states.set('api', 'offline');
    await clock.advance(ms);
  };
  const isUpFor = async (ms: number): Promise<void> => {
    states.set('api', 'healthy');
    await clock.advance(ms);
  };
  const set = (byMs: number): void => clock.set(clock.now() + byMs);
  return { clock, until, told, isDownFor, isUpFor, set };
}

const steps = [
  ['forward', hour],
  ['back', -hour],
] as const;

describe('a budget whose clock was set', () => {
  it.each(steps)('pages while it burns, though that was an hour %s meanwhile', async (_, byMs) => {
    const { told, isDownFor, set } = await stage();
    await isDownFor(5 * minute);
    expect(told).toEqual([]);
    set(byMs);
    // By a clock that nobody sets, it does so after nine minutes; then it is to be stored, and looked at.
    await isDownFor(8 * minute);
    expect(told).toEqual(['page']);
  });

  it.each(steps)('burns on when it was told that it does, though that was an hour %s', async (_, byMs) => {
    const { told, isDownFor, isUpFor, set } = await stage();
    await isDownFor(13 * minute);
    expect(told).toEqual(['page']);
    set(byMs);
    await isDownFor(12 * minute);
    expect(told).toEqual(['page']);
    await isUpFor(45 * minute);
    expect(told).toEqual(['page', 'recovered']);
    // Nor is it told anew when a clock that was set back comes to where it was.
    await isUpFor(60 * minute);
    expect(told).toEqual(['page', 'recovered']);
  });

  it('pages for nothing that is over, though the clock is set back to when it burnt', async () => {
    const { told, isDownFor, isUpFor, set } = await stage();
    await isDownFor(13 * minute);
    await isUpFor(45 * minute);
    expect(told).toEqual(['page', 'recovered']);
    set(-hour);
    await isUpFor(150 * minute);
    expect(told).toEqual(['page', 'recovered']);
  });

  it('pages for what burns while the clock shows again an hour in which it burnt', async () => {
    const { told, isDownFor, isUpFor, set } = await stage();
    await isDownFor(13 * minute);
    await isUpFor(45 * minute);
    set(-hour);
    await isUpFor(30 * minute);
    await isDownFor(13 * minute);
    expect(told).toEqual(['page', 'recovered', 'page']);
    await isUpFor(45 * minute);
    expect(told).toEqual(['page', 'recovered', 'page', 'recovered']);
  });

  it('pages for what burns then, whatever one that is paused held before', async () => {
    const { clock, health, scope, register, becomes, states } = await staged((by) => memoryHealthStore({ clock: by }));
    const [api, old] = [
      await register('api', { checkInterval: 30, tags: ['shop'] }),
      await register('old', { checkInterval: 30, tags: ['shop'] }),
    ];
    for (const endpoint of [api, old]) await becomes(endpoint, 'healthy');
    await clock.advance(90 * minute);
    states.set('old', 'offline');
    await clock.advance(70 * minute);
    await scope.endpoints.pause(old.id);
    await clock.advance(2 * minute);
    await scope.objectives.create({ name: 'It sells', target: 0.99, tag: 'shop' });
    const told: string[] = [];
    health.events.on('objective.burning', ({ data }) => void told.push(data.severity));
    clock.set(clock.now() - hour);
    await clock.advance(20 * minute);
    expect(told).toEqual([]);
    states.set('api', 'offline');
    await clock.advance(13 * minute);
    expect(told).toEqual(['page']);
  });

  it('pages for no more than burnt within the hour, though that was an hour forward in it', async () => {
    const { told, isDownFor, isUpFor, set } = await stage();
    set(hour);
    await isUpFor(13 * minute);
    await isDownFor(3 * minute);
    await isUpFor(30 * minute);
    expect(told).toEqual([]);
  });
});
