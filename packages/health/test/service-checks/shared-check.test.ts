import { describe, expect, it } from 'vitest';
import { sharedCheck } from '../../src/service-checks/shared-check.js';
import type { ServiceTarget } from '../../src/index.js';

/** A target whose checks end when the test says. */
function slow() {
  const begun: { signal: AbortSignal; end: () => void }[] = [];
  const target: ServiceTarget = {
    serviceType: 'database',
    check: (signal) =>
      new Promise((resolve) => {
        const number = begun.length + 1;
        begun.push({ signal, end: () => resolve({ facts: { number } }) });
      }),
  };
  return { begun, target };
}
/** How long somebody waits, until the test says. */
function patience() {
  let giveUp: () => void = () => undefined;
  const given = new Promise<never>((_, reject) => (giveUp = () => reject(new Error('given up'))));
  return { given, giveUp: () => giveUp() };
}

describe('a check that several wait for', () => {
  it('is not told to stop when it has ended', async () => {
    const { begun, target } = slow();
    const answers = [1, 2].map(() => sharedCheck(target, patience().given));
    await expect.poll(() => begun.length).toBe(1);
    begun[0]?.end();
    for (const answer of answers) expect(await answer).toMatchObject({ facts: { number: 1 } });
    expect(begun[0]?.signal.aborted).toBe(false);
  });

  it('is told to stop when the last of them has given up', async () => {
    const { begun, target } = slow();
    const [first, second] = [patience(), patience()];
    const answers = [first, second].map(({ given }) => sharedCheck(target, given));
    await expect.poll(() => begun.length).toBe(1);
    first.giveUp();
    await expect(answers[0]).rejects.toThrow('given up');
    expect(begun[0]?.signal.aborted).toBe(false);
    second.giveUp();
    await expect(answers[1]).rejects.toThrow('given up');
    expect(begun[0]?.signal.aborted).toBe(true);
  });
});

describe('a check that was told to stop and does not end', () => {
  /** A target with such a check. */
  async function left() {
    const it = slow();
    const { given, giveUp } = patience();
    const answer = sharedCheck(it.target, given);
    await expect.poll(() => it.begun.length).toBe(1);
    giveUp();
    await expect(answer).rejects.toThrow('given up');
    return it;
  }

  it('has others wait for its end, and then another is begun', async () => {
    const { begun, target } = await left();
    const answer = sharedCheck(target, patience().given);
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toHaveLength(1);
    begun[0]?.end();
    await expect.poll(() => begun.length).toBe(2);
    begun[1]?.end();
    expect(await answer).toMatchObject({ facts: { number: 2 } });
  });

  it('has nobody wait once its time is over, and its late end leaves the one begun after it', async () => {
    const { begun, target } = await left();
    const answer = sharedCheck(target, patience().given, 0);
    await expect.poll(() => begun.length).toBe(2);
    begun[0]?.end();
    await new Promise((resolve) => setImmediate(resolve));
    const beside = sharedCheck(target, patience().given, 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toHaveLength(2);
    begun[1]?.end();
    for (const one of [answer, beside]) expect(await one).toMatchObject({ facts: { number: 2 } });
  });
});
