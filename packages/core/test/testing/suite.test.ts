import { expect, it } from 'vitest';
import { runSuite, type Suite } from '../../src/testing/index.js';

const suite: Suite<{ calls: string[] }> = {
  name: 'things',
  cases: [
    { name: 'works', run: async ({ calls }) => void calls.push('works') },
    { name: 'shares', requires: 'sharing', run: async ({ calls }) => void calls.push('shares') },
    { name: 'fails', run: () => Promise.reject(new Error('no')) },
  ],
};

it('gives each case a subject, closes it, and skips by name what the subject cannot do', async () => {
  const registered: [string, (() => Promise<void>)?][] = [];
  const skipped: string[] = [];
  const calls: string[] = [];
  let opened = 0;
  let closed = 0;
  const describe = (_: string, define: () => void): void => define();
  const it = Object.assign((name: string, run: () => Promise<void>) => void registered.push([name, run]), {
    skip: (name: string) => void skipped.push(name),
  });
  const create = () => Promise.resolve({ subject: { calls, opened: ++opened }, close: () => void closed++ });
  runSuite(suite, { describe, it }, create);
  expect(registered.map(([name]) => name)).toEqual(['works', 'fails']);
  expect(skipped).toEqual(['shares (needs the capability "sharing")']);
  await registered[0]?.[1]?.();
  await expect(registered[1]?.[1]?.()).rejects.toThrow('no');
  expect([calls, opened, closed]).toEqual([['works'], 2, 2]);
  registered.length = 0;
  runSuite(suite, { describe, it }, create, ['sharing']);
  expect(registered.map(([name]) => name)).toEqual(['works', 'shares', 'fails']);
});
