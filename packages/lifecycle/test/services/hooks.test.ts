import { defineErrors } from '@dotmac/core';
import { sql, type Transaction } from 'kysely';
import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LifecycleHooks } from '../../src/hooks.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const hostErrors = defineErrors({
  NOT_RETURNED: { kind: 'conflict', message: (_: Record<never, never>) => 'The modem was not returned.' },
});
interface HostTables {
  host_lines: { service_id: string; status: string };
}
type HostTrx = Transaction<HostTables>;

for (const { title, present, create } of backends.filter((it) => it.title !== 'memory'))
  describe.skipIf(!present)(`hooks of services on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let customerId: string;
    let calls: string[];
    const database = () => (backend.database ?? expect.unreachable()).withTables<HostTables>();
    const lines = () => database().selectFrom('host_lines').selectAll().execute();
    const template = () =>
      defineServiceTemplate({
        name: 'line',
        config: z.object({}),
        steps: [
          { key: 'port', run: () => void calls.push('port'), compensate: () => void calls.push('port back') },
          { key: 'account', run: () => void calls.push('account') },
        ],
        operations: {
          suspend: [{ key: 'block', run: () => void calls.push('block') }],
          change_plan: [{ key: 'speed', run: () => void calls.push('speed') }],
          deprovision: [{ key: 'remove', run: () => void calls.push('remove') }],
        },
      });
    const begin = async (hooks: LifecycleHooks<HostTrx>): Promise<void> => {
      run = await rig<HostTrx>(backend, { hooks, templates: [template()], maxDeliveryAttempts: 2 });
      customerId = await run.active();
    };
    const ask = async () => (await run.acme.services.request(customerId, { serviceName: 'line' })).id;
    const is = (id: string, status: string) =>
      until(async () => (await run.acme.services.get(id)).status === status, run.clock);
    const service = async () => {
      const id = await ask();
      await is(id, 'active');
      calls.length = 0;
      return id;
    };
    const lastRun = async (id: string) => (await run.acme.services.runs(id))[0] ?? expect.unreachable();

    beforeEach(async () => {
      [backend, calls] = [await create(), []];
      await sql`create table host_lines (service_id varchar(36) primary key, status varchar(20))`.execute(
        (backend.database ?? expect.unreachable()).kysely,
      );
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    it('refuse what is asked of a service, write with it, and are told of it after the commit', async () => {
      const told: unknown[] = [];
      await begin({
        'service.terminate': {
          before: ({ input }) => {
            if (input.note !== 'returned') throw hostErrors.NOT_RETURNED({});
          },
        },
        'service.suspend': {
          async inTransaction({ input, state, trx }) {
            const status = `${state.service.blocks.length} ${input.reason}`;
            await trx.insertInto('host_lines').values({ service_id: input.serviceId, status }).execute();
            if (input.severity === 'throttle') throw hostErrors.NOT_RETURNED({});
          },
          afterCommit: ({ state }) => void told.push([state.customer.id, state.service.blocks[0]?.reason]),
        },
        'service.changePlan': { before: ({ input }) => void told.push([input.customerId, input.serviceName]) },
        'service.resume': { before: ({ input }) => void told.push([input.customerId, input.reason]) },
      });
      const { services } = run.acme;
      const id = await service();
      const refused = { code: 'NOT_RETURNED' };
      await expect(services.terminate(id)).rejects.toMatchObject(refused);
      await expect(services.suspend(id, { actionType: 'abuse', severity: 'throttle' })).rejects.toMatchObject(refused);
      expect([await lines(), (await services.get(id)).openReasons]).toEqual([[], []]);
      await services.changePlan(id, {});
      await until(async () => (await services.get(id)).openRunId === null, run.clock);
      await services.suspend(id, { actionType: 'abuse' });
      expect(await lines()).toEqual([{ service_id: id, status: '1 abuse' }]);
      await services.resume(id, { actionType: 'all' });
      await until(() => told.length === 3, run.clock);
      expect(told).toContainEqual([customerId, 'abuse']);
      expect(told.filter((each) => JSON.stringify(each) !== JSON.stringify([customerId, 'abuse']))).toEqual([
        [customerId, 'line'],
        [customerId, 'all'],
      ]);
      await services.terminate(id, { reason: 'returned' });
      await is(id, 'terminated');
    });

    it('write in the transaction in which a service becomes active, and again with what is done to it later', async () => {
      const put: NonNullable<LifecycleHooks<HostTrx>['operation.provision']>['inTransaction'] = async ({
        state,
        trx,
      }) => {
        const { id: service_id, status } = state.service;
        await trx.deleteFrom('host_lines').where('service_id', '=', service_id).execute();
        await trx.insertInto('host_lines').values({ service_id, status }).execute();
      };
      const ended: string[] = [];
      const afterCommit: NonNullable<LifecycleHooks<HostTrx>['operation.provision']>['afterCommit'] = ({ state }) =>
        void ended.push(`${state.run.operation} ${state.run.status} ${state.service.status}`);
      await begin({
        'operation.provision': { inTransaction: put, afterCommit },
        'operation.suspend': { inTransaction: put, afterCommit },
        'operation.resume': { afterCommit },
        'operation.deprovision': { inTransaction: put },
      });
      const id = await service();
      expect(await lines()).toEqual([{ service_id: id, status: 'active' }]);
      expect((await run.acme.services.read(id)).outputs).toEqual({ port: null, account: null });
      const { suspension, customers } = run.acme;
      await suspension.suspend(customerId, { actionType: 'late' });
      await is(id, 'suspended');
      expect(await lines()).toEqual([{ service_id: id, status: 'suspended' }]);
      await suspension.reactivate(customerId, { actionType: 'late' });
      await is(id, 'active');
      await customers.deactivate(customerId);
      await is(id, 'terminated');
      expect(await lines()).toEqual([{ service_id: id, status: 'terminated' }]);
      await until(() => ended.length === 3, run.clock);
      expect(ended.sort()).toEqual([
        'provision completed active',
        'resume completed active',
        'suspend completed suspended',
      ]);
      await run.acme.deliveries.replay(customerId, { hook: 'operation.suspend', serviceId: id });
      await until(() => ended.length === 4, run.clock);
      expect(ended.at(-1)).toBe('suspend completed terminated');
      const missing = run.acme.deliveries.replay(customerId, { hook: 'operation.provision', serviceId: customerId });
      await expect(missing).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
    });

    it('have what was set up undone when they refuse in that transaction, and nothing of them stays', async () => {
      const failed: unknown[] = [];
      await begin({
        'operation.provision': {
          async inTransaction({ state, trx }) {
            await trx.insertInto('host_lines').values({ service_id: state.service.id, status: 'x' }).execute();
            throw hostErrors.NOT_RETURNED({});
          },
        },
        'operation.fail': { afterCommit: ({ state }) => void failed.push(state) },
      });
      const id = await ask();
      await is(id, 'failed');
      expect(calls).toEqual(['port', 'account', 'port back']);
      expect(await lines()).toEqual([]);
      expect((await lastRun(id)).message).toContain('The modem was not returned.');
      await until(() => failed.length === 1, run.clock);
      expect(failed).toMatchObject([{ customer: { id: customerId }, service: { id }, run: { status: 'failed' } }]);
    });

    it('keep a service from being taken down until they agree, whoever asked for it', async () => {
      let isReturned = false;
      await begin({
        'operation.deprovision': {
          before: ({ input }) => {
            expect(input).toMatchObject({ customerId, operation: 'deprovision', serviceName: 'line' });
            if (!isReturned) throw hostErrors.NOT_RETURNED({});
          },
        },
      });
      const id = await service();
      await run.acme.customers.delete(customerId);
      await is(id, 'stuck');
      expect(calls).toEqual([]);
      const stuck = await lastRun(id);
      expect(stuck.steps).toMatchObject([
        { name: 'hook:before', status: 'failed', attempts: 1, error: 'The modem was not returned.' },
        { name: 'remove', status: 'pending' },
      ]);
      await run.acme.provisioning.retry(stuck.id);
      await until(async () => (await lastRun(id)).runStatus === 'stuck', run.clock);
      isReturned = true;
      await run.acme.provisioning.retry(stuck.id);
      await is(id, 'terminated');
      expect(calls).toEqual(['remove']);
    });

    it('that break are tried again, and passed over when somebody, or the host, says so', async () => {
      const tries: string[] = [];
      const broken = (what: string) => () => {
        tries.push(what);
        throw new Error(`${what} is down`);
      };
      await begin({
        'operation.provision': { before: { run: broken('before'), onFailure: 'ignore' } },
        'operation.suspend': { before: broken('ask'), inTransaction: broken('write') },
      });
      const id = await service();
      expect(tries).toEqual(['before']);
      await run.acme.services.suspend(id, { actionType: 'abuse' });
      await is(id, 'stuck');
      const { id: runId } = await lastRun(id);
      await run.acme.provisioning.skip(runId);
      await until(async () => (await lastRun(id)).runStatus === 'stuck', run.clock);
      expect(tries).toEqual(['before', 'ask', 'ask', 'ask', 'write', 'write', 'write']);
      expect(calls).toEqual(['block']);
      const forced = run.acme.provisioning.force(runId, { outcome: 'completed' });
      await expect(forced).rejects.toMatchObject({ code: 'HOOK_FAILED' });
      expect((await lastRun(id)).runStatus).toBe('stuck');
      await run.acme.provisioning.skip(runId);
      await is(id, 'suspended');
      expect(calls).toEqual(['block']);
    });

    it('take part when an operator says that an operation is done', async () => {
      let isBroken = true;
      const told: string[] = [];
      await begin({
        'operation.suspend': {
          before: () => {
            if (isBroken) throw hostErrors.NOT_RETURNED({});
          },
          inTransaction: ({ state, trx }) =>
            trx
              .insertInto('host_lines')
              .values({ service_id: state.service.id, status: state.service.status })
              .execute()
              .then(() => undefined),
          afterCommit: ({ state }) => void told.push(state.service.status),
        },
      });
      const id = await service();
      await run.acme.services.suspend(id, { actionType: 'abuse' });
      await is(id, 'stuck');
      isBroken = false;
      await run.acme.provisioning.force((await lastRun(id)).id, { outcome: 'completed' });
      expect(await lines()).toEqual([{ service_id: id, status: 'suspended' }]);
      await until(() => told.length === 1, run.clock);
      expect([told, calls]).toEqual([['suspended'], []]);
    });

    it('take part in links and legal holds', async () => {
      const told: unknown[] = [];
      const note =
        (what: string) =>
        ({ state }: { state: { hold: { name: string; note: string | null } } }) =>
          void told.push([what, state.hold.name, state.hold.note]);
      await begin({
        'customer.link': {
          before: ({ input }) => {
            if (input.externalId === 'nobody') throw hostErrors.NOT_RETURNED({});
          },
          inTransaction: ({ state, trx }) =>
            trx
              .insertInto('host_lines')
              .values({ service_id: state.id, status: state.externalId ?? '' })
              .execute()
              .then(() => undefined),
        },
        'customer.setHold': {
          before: ({ input }) => {
            if (input.name === 'none') throw hostErrors.NOT_RETURNED({});
          },
          afterCommit: note('set'),
        },
        'customer.liftHold': { afterCommit: note('lifted') },
      });
      const { customers, privacy } = run.acme;
      const refused = { code: 'NOT_RETURNED' };
      await expect(customers.link(customerId, { externalId: 'nobody' })).rejects.toMatchObject(refused);
      await customers.link(customerId, { externalId: 'u-1' });
      await customers.link(customerId, { externalId: 'u-1' });
      expect(await lines()).toEqual([{ service_id: customerId, status: 'u-1' }]);
      await expect(privacy.setHold(customerId, { name: 'none' })).rejects.toMatchObject(refused);
      expect(await privacy.holds(customerId)).toEqual([]);
      await privacy.setHold(customerId, { name: 'case-1', note: 'court' });
      await privacy.liftHold(customerId, 'case-1');
      await privacy.liftHold(customerId, 'case-1');
      await until(() => told.length === 2, run.clock);
      expect(told.sort()).toEqual([
        ['lifted', 'case-1', 'court'],
        ['set', 'case-1', 'court'],
      ]);
    });
  });
