import { expect, it } from 'vitest';
import type { KeptEndpoint } from '../../src/monitoring/directory.js';
import { nothingFound } from '../../src/probes/judge.js';
import { createHandOver } from '../../src/sharing/hand-over.js';
import type { HandedResult } from '../../src/store/sharing.js';

it('gives up results of the tenant who has most of them while the store is away, and of nobody else', async () => {
  const handed: HandedResult[] = [];
  let isAway = true;
  const handOver = createHandOver(
    {
      time: () => Promise.resolve(0),
      handOver: (results) =>
        isAway ? Promise.reject(new Error('away')) : Promise.resolve(void handed.push(...results)),
    },
    { clock: { now: () => 0 }, metrics: undefined },
  );
  const give = (tenantId: string, at: number): void =>
    handOver.give({ endpoint: { tenantId, id: 'e' } } as KeptEndpoint, nothingFound('own_network'), at);
  for (let at = 0; at < 3; at++) give('small', at);
  for (let at = 0; at < 10_200; at++) give('crowd', at);
  await expect(handOver.flush()).rejects.toThrow('away');
  isAway = false;
  await handOver.flush();
  expect(handed.filter(({ tenantId }) => tenantId === 'small').map(({ at }) => at)).toEqual([0, 1, 2]);
  const crowd = handed.filter(({ tenantId }) => tenantId === 'crowd').map(({ at }) => at);
  expect([crowd.length, crowd[0], crowd.at(-1)]).toEqual([9_997, 203, 10_199]);
});
