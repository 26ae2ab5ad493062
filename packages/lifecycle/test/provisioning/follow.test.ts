import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { RunProgress } from '../../src/provisioning/progress.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends } from '../support/backends.js';
import { rig, until } from '../support/lifecycle.js';

const template = defineServiceTemplate({
  name: 'internet',
  config: z.object({}),
  steps: [
    { key: 'port', run: () => Promise.resolve({}) },
    { key: 'boss', approval: { quorum: 1 } },
    { key: 'account', run: () => Promise.resolve({}) },
  ],
});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`the progress of runs on ${title}`, () => {
    it('is told step by step, goes on where it was left, and ends with the run', async () => {
      const backend = await create();
      const run = await rig(backend, { templates: [template] });
      const request = await run.acme.services.request(await run.active(), { serviceName: 'internet' });
      const told: RunProgress[] = [];
      const following = (async () => {
        for await (const progress of await run.acme.provisioning.follow(request.id)) told.push(progress);
      })();
      await until(() => told.some(({ run: { runStatus } }) => runStatus === 'waiting'), run.clock);
      const waiting = told.at(-1);
      expect(told[0]?.event).toBe('run');
      await run.acme.provisioning.decide(request.id, { step: 'boss', decision: 'approve' });
      await until(() => told.some(({ event }) => event === 'ended'), run.clock);
      await following;
      const done = told.filter(({ event, step }) => event === 'step' && step?.status === 'completed');
      expect(done.map(({ step }) => step?.name)).toEqual(expect.arrayContaining(['boss', 'account']));
      expect(told.at(-1)).toMatchObject({ event: 'ended', run: { runStatus: 'completed', status: 'active' } });

      const again: RunProgress[] = [];
      const ask = { lastEventId: waiting?.id };
      for await (const progress of await run.acme.provisioning.follow(request.id, ask)) again.push(progress);
      expect(again.map(({ event }) => event)).toEqual(['ended']);
      expect(again[0]?.id).not.toBe(waiting?.id);
      await expect(run.other.provisioning.follow(request.id)).rejects.toMatchObject({ code: 'PROVISIONING_NOT_FOUND' });
      await run.stop();
      await backend.close();
    });
  });
