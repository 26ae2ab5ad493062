import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServiceStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate, type ServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`the revisions of a service template on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let did: string[];
    let told: unknown[];
    beforeEach(async () => {
      backend = await create();
      [did, told] = [[], []];
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    /** A template that waits for the boss between its first step and its last. */
    const revision = (version: string, first: string, last: string): ServiceTemplate => {
      const step = (key: string) => ({ key, run: () => void did.push(`${version} ${key}`) });
      return defineServiceTemplate({
        name: 'internet',
        version,
        config: z.object({}),
        steps: [step(first), { key: 'boss', approval: {} }, step(last)],
        operations: { deprovision: [step(`no-${first}`)] },
      });
    };
    const start = async (...templates: ServiceTemplate[]): Promise<void> => {
      const logger = { error: (data: unknown) => void told.push(data), warn() {}, info() {}, debug() {} };
      run = await rig(backend, { templates, logger });
    };
    const restart = async (...templates: ServiceTemplate[]): Promise<void> => {
      await run.stop();
      await start(...templates);
    };
    const request = async (): Promise<string> => {
      const { id } = await run.acme.services.request(await run.active(), { serviceName: 'internet' });
      await until(async () => (await run.acme.provisioning.get(id)).runStatus === 'waiting', run.clock);
      return id;
    };
    const approve = (id: string) => run.acme.provisioning.decide(id, { step: 'boss', decision: 'approve' });
    const is = (id: string, status: string) =>
      until(async () => (await run.acme.services.get(id)).status === status, run.clock);

    /** As something said to the run would: without, it would sleep until the approval came. */
    const stopAndWake = async (id: string): Promise<void> => {
      await run.stop();
      const { runs } = backend.store.tenant('acme');
      await backend.store.transaction((trx) => runs.wakeWaiting(id, run.clock.now(), trx));
    };

    const copper = () => revision('1', 'port', 'modem');
    const fibre = () => revision('2', 'splice', 'light');

    it('are pinned: what began on one ends on it, is taken down by it, and what is new takes the last', async () => {
      await start(copper());
      const old = await request();
      expect(did).toEqual(['1 port']);

      await restart(copper(), fibre());
      await approve(old);
      await is(old, 'active');
      expect(did).toEqual(['1 port', '1 modem']);
      const young = await request();
      await approve(young);
      await is(young, 'active');
      expect(did.slice(2)).toEqual(['2 splice', '2 light']);
      expect((await run.acme.services.get(old)).templateVersion).toBe('1');
      expect((await run.acme.services.get(young)).templateVersion).toBe('2');

      for (const id of [old, young]) {
        await run.acme.services.terminate(id);
        await is(id, 'terminated');
      }
      expect(did.slice(4)).toEqual(['1 no-port', '2 no-splice']);
    });

    it('are told apart by their steps too: other ones under the same version are not run, and it waits', async () => {
      await start(copper());
      const id = await request();
      await stopAndWake(id);
      await start(revision('1', 'splice', 'light'));
      await until(() => told.length > 0, run.clock);
      expect(told[0]).toMatchObject({ runId: id, serviceName: 'internet', templateVersion: '1' });
      expect(await run.acme.provisioning.get(id)).toMatchObject({ status: 'provisioning' });
      expect(did).toEqual(['1 port']);

      await restart(copper());
      await approve(id);
      await is(id, 'active');
      expect(did).toEqual(['1 port', '1 modem']);
    });

    it('are told apart by the kinds of their steps: what was an action is not decided on under the same version', async () => {
      const line = (modem: ServiceStep) =>
        defineServiceTemplate({
          name: 'internet',
          config: z.object({}),
          steps: [{ key: 'boss', approval: {} }, modem],
          operations: { deprovision: [{ key: 'gone', run: () => undefined }] },
        });
      const action = line({ key: 'modem', run: () => void did.push('modem') });
      await start(action);
      const id = await request();
      await stopAndWake(id);
      await start(line({ key: 'modem', approval: {} }));
      await until(() => told.length > 0, run.clock);
      expect(told[0]).toMatchObject({ runId: id, serviceName: 'internet', templateVersion: '1' });

      await restart(action);
      await approve(id);
      await is(id, 'active');
      expect(did).toEqual(['modem']);
    });

    it.each([
      ['another revision', [revision('2', 'splice', 'light')]],
      ['other steps under the same version', [revision('1', 'splice', 'light')]],
      ['none at all', []],
    ])(
      'are not taken, not even for a moment, by a process that has %s: who has them does not wait',
      async (_, templates) => {
        await start(copper());
        const id = await request();
        const { runLeases } = backend.store;
        const taken: unknown[] = [];
        const acquire: typeof runLeases.acquire = async (...asked) => {
          const lease = await runLeases.acquire(...asked);
          taken.push(lease);
          return lease;
        };
        const store = { ...backend.store, runLeases: { ...runLeases, acquire } };
        const logger = { error: (data: unknown) => void told.push(data), warn() {}, info() {}, debug() {} };
        const other = await rig({ ...backend, store }, { templates, logger });
        // Time stands still: no lease ends, and no sweep comes to the help of who was not woken.
        await other.acme.provisioning.cancel(id);
        await until(() => told.length > 0, run.clock, 0);
        expect(taken).toEqual([null]);
        expect(told).toMatchObject([{ runId: id, serviceName: 'internet', templateVersion: '1' }]);
        await run.acme.provisioning.cancel(id);
        await until(async () => (await run.acme.provisioning.get(id)).runStatus === 'cancelled', run.clock, 0);
        await other.stop();
      },
    );
  });
