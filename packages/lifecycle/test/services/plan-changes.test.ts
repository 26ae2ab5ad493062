import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a service that changes to a plan with other steps, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let freed: string[];
    const config = z.object({});
    const step = (key: string) => ({
      key,
      run: () => `${key} 7`,
      compensate: ({ output, outcome }: { output: unknown; outcome: string }) =>
        void freed.push(`${key}: ${String(output)} (${outcome})`),
    });
    const change_plan = [{ key: 'splice', run: () => undefined }];
    const all = {
      key: 'all',
      run: ({ outputs }: { outputs: object }) => void freed.push(Object.keys(outputs).sort().join()),
    };
    const templates = [
      defineServiceTemplate({ name: 'copper', config, steps: [step('pair')] }),
      defineServiceTemplate({
        name: 'copper-plus',
        config,
        steps: [step('pair'), step('modem')],
        operations: { change_plan },
      }),
      defineServiceTemplate({ name: 'fibre', config, steps: [step('line')], operations: { change_plan } }),
      defineServiceTemplate({
        name: 'whole-fibre',
        config,
        steps: [step('line')],
        operations: { change_plan, deprovision: [all] },
      }),
    ];
    let id: string;
    beforeEach(async () => {
      [backend, freed] = [await create(), []];
      run = await rig(backend, { templates });
      ({ id } = await run.acme.services.request(await run.active(), { serviceName: 'copper' }));
      await becomes('active');
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    const becomes = (status: string) =>
      until(async () => {
        const service = await run.acme.services.get(id);
        return service.status === status && service.openRunId === null;
      }, run.clock);
    const changedTo = async (serviceName: string) => {
      await run.acme.services.changePlan(id, { serviceName });
      await becomes('active');
      expect(await run.acme.services.get(id)).toMatchObject({ serviceName });
    };
    const takenDown = async () => {
      await run.acme.services.terminate(id);
      await becomes('terminated');
      return freed;
    };

    it('is refused where nothing would take down what it has', async () => {
      const refused = { code: 'PLAN_CHANGE_UNSUPPORTED', details: { left: ['pair'] } };
      await expect(run.acme.services.changePlan(id, { serviceName: 'fibre' })).rejects.toMatchObject(refused);
      expect(await run.acme.services.get(id)).toMatchObject({ serviceName: 'copper', openRunId: null });
      expect(await takenDown()).toEqual(['pair: pair 7 (completed)']);
    });

    it('is taken down as its plan says', async () => {
      await changedTo('whole-fibre');
      expect(await takenDown()).toEqual(['pair,splice']);
    });

    it('is told of steps that were another plan’s that nobody knows whether they were done', async () => {
      await changedTo('copper-plus');
      expect(await takenDown()).toEqual(['modem: undefined (unknown)', 'pair: pair 7 (completed)']);
    });

    it('does not go on from a plan that has its own way to one that has none', async () => {
      await changedTo('whole-fibre');
      const refused = { code: 'PLAN_CHANGE_UNSUPPORTED', details: { left: ['all'] } };
      await expect(run.acme.services.changePlan(id, { serviceName: 'fibre' })).rejects.toMatchObject(refused);
    });
  });
