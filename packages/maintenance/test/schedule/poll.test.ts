import { expect, it } from 'vitest';
import { coreErrors } from '@dotmac/core';
import { processes } from '../support/processes.js';

const [second, minute] = [1_000, 60_000];

it('schedules are polled as often after the store was away as before, and so they are after another start', async () => {
  const { clock, store, begin } = processes();
  let [polls, isAway] = [0, false];
  const scheduleRevision: typeof store.scheduleRevision = () => {
    polls += 1;
    if (isAway) return Promise.reject(coreErrors.STORE_UNAVAILABLE({ operation: 'reading schedules' }));
    return store.scheduleRevision();
  };
  const module = await begin({ store: { ...store, scheduleRevision }, schedulePollMs: 10 * second });
  const pollsOfAMinute = async (): Promise<number> => {
    const before = polls;
    await clock.advance(minute);
    return polls - before;
  };
  await clock.advance(second);
  expect(await pollsOfAMinute()).toBe(6);
  isAway = true;
  await clock.advance(20 * second);
  isAway = false;
  await clock.advance(minute);
  expect(await pollsOfAMinute()).toBe(6);
  await module.stop();
  expect(await pollsOfAMinute()).toBe(0);
  await module.start();
  await clock.advance(second);
  expect(await pollsOfAMinute()).toBe(6);
});
