import { describe, expect, it } from 'vitest';
import { alerting, messageOf, stores, toldIn } from '../support/alerting.js';

describe.each(stores)('alerts of what was ended by no check %s', (_, makeStore) => {
  const stage = alerting(makeStore);

  it('tell to its end what was told of an endpoint that is removed', async () => {
    const { hook, scope, register, becomes, until } = await stage({}, { groupWait: 0 });
    const web = await register('web');
    await becomes(web, 'offline');
    await until(() => hook.received.length === 1);
    await scope.endpoints.remove(web.id);
    await until(() => hook.received.length === 2);
    expect(toldIn(hook.received)).toEqual(['opened web', 'resolved web']);
  });

  it('say what ended an incident, when it was no check: the trouble may go on', async () => {
    const { hook, scope, register, becomes, until } = await stage({}, { groupWait: 0 });
    const [hand, removed] = [await register('hand'), await register('removed')];
    for (const it of [hand, removed]) await becomes(it, 'offline');
    await until(() => toldIn(hook.received).length === 2);
    const [incident] = (await scope.incidents.list({ endpointId: hand.id })).items;
    await scope.incidents.resolve(incident?.id ?? '');
    await scope.endpoints.remove(removed.id);
    await until(() => toldIn(hook.received).length === 4);
    const ends = hook.received.flatMap((it) => messageOf(it).items).filter(({ kind }) => kind === 'resolved');
    const textOf = (name: string) => ends.find(({ endpoint_name }) => endpoint_name === name)?.text;
    expect(textOf('hand')).toMatch(/^The incident of hand was ended after .*, not by a check: it was ended by hand$/);
    expect(textOf('removed')).toMatch(/^The incident of removed was ended after .*, not by a check: .*removed/);
  });

  it('do not remind of an endpoint that is paused, until it is looked at again', async () => {
    const { hook, scope, register, becomes, until, passes } = await stage({ reminderInterval: 60 }, { groupWait: 0 });
    const web = await register('web');
    await becomes(web, 'offline');
    await until(() => hook.received.length === 1);
    await scope.endpoints.pause(web.id);
    for (let minute = 0; minute < 10; minute++) await passes(30_000);
    expect(toldIn(hook.received).filter((it) => it === 'reminder web')).toEqual([]);
  });
});
