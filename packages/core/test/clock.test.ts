import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../src/index.js';

const timersHolding = (): number => process.getActiveResourcesInfo().filter((it) => it === 'Timeout').length;

describe('the system clock', () => {
  const stop = new AbortController();
  afterEach(() => stop.abort());

  it('holds the process open for who sleeps, not for who only wants to be called', async () => {
    const before = timersHolding();
    const cancel = systemClock.after(60_000, () => undefined);
    expect(timersHolding()).toBe(before);
    const sleeping = systemClock.sleep(60_000, stop.signal);
    expect(timersHolding()).toBe(before + 1);
    stop.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    expect(timersHolding()).toBe(before);
    cancel();
  });
});
