import { systemClock } from '@dotmac/core';
import { sqlite } from '@dotmac/core/kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHealth, kyselyHealthStore, memoryHealthStore, type EndpointStatus } from '../../src/index.js';
import { gateway, acme, quiet } from '../support/quiet.js';
import { staged } from '../support/staged.js';

describe('endpoints of a status', () => {
  it('are those that are in it now, though that is still being stored', async () => {
    const { scope, register, becomes } = await staged((clock) => {
      const store = memoryHealthStore({ clock });
      return { ...store, settle: async (settlement) => (await systemClock.sleep(50), store.settle(settlement)) };
    });
    const web = await register('web');
    await becomes(web, 'healthy');
    await becomes(web, 'offline');
    const names = async (status: EndpointStatus) => (await scope.endpoints.list({ status })).items.map((it) => it.name);
    expect([await names('offline'), await names('healthy')]).toEqual([['web'], []]);
  });
});

describe('a list', () => {
  it('is of those that have a tag, a probe, a status, or are paused', async () => {
    const { endpoints } = quiet();
    const [one, two] = [
      await endpoints.register({ ...gateway, tags: ['core'] }),
      await endpoints.register({ ...gateway, serviceType: 'tcp' }),
    ];
    await endpoints.pause(two.id);
    const ids = async (filter: Parameters<typeof endpoints.list>[0]) =>
      (await endpoints.list(filter)).items.map(({ id }) => id);
    expect(await ids({ tag: 'core' })).toEqual([one.id]);
    expect(await ids({ serviceType: 'tcp' })).toEqual([two.id]);
    expect(await ids({ paused: false })).toEqual([one.id]);
    expect(await ids({ status: 'healthy' })).toEqual([]);
    expect(await ids({ status: 'unknown' })).toEqual([one.id, two.id]);
  });

  it('by a status has an endpoint by what it is after it was paused, resumed or pointed elsewhere, here or there', async () => {
    const database = sqlite(':memory:');
    onTestFinished(() => database.close());
    const { clock, store, scope, register, becomes, until } = await staged((it) =>
      kyselyHealthStore(database, { clock: it }),
    );
    const other = createHealth({ store, clock, monitoring: false });
    await other.start();
    onTestFinished(() => other.stop());
    const lists = async (status: EndpointStatus) => {
      const listed = [scope, other.scope(acme)].map((from) => from.endpoints.list({ status }));
      return (await Promise.all(listed)).map(({ items }) => items.map(({ name }) => name));
    };
    for (const at of [scope, other.scope(acme)]) {
      const web = await register('web');
      await becomes(web, 'offline');
      expect(await lists('offline')).toEqual([['web'], ['web']]);
      await at.endpoints.pause(web.id);
      expect([await lists('offline'), await lists('unknown')]).toEqual([
        [[], []],
        [['web'], ['web']],
      ]);
      // What was found out before it was known here that it is paused changes nothing of that.
      await until(async () => (await scope.endpoints.get(web.id)).lastStatus === 'unknown');
      await clock.advance(65_000);
      expect(await lists('unknown')).toEqual([['web'], ['web']]);
      await at.endpoints.resume(web.id);
      expect(await lists('unknown')).toEqual([['web'], ['web']]);
      await becomes(web, 'offline');
      await at.endpoints.update(web.id, { serviceType: 'tcp', host: 'gw.example.com', port: 1, config: {} });
      expect(await lists('unknown')).toEqual([['web'], ['web']]);
      await scope.endpoints.remove(web.id);
    }
  });
});
