import assert from 'node:assert/strict';
import { newId } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import type { AlertRecord } from '../alerts/alert.js';
import type { HealthStore, TenantStore } from '../store/store.js';

const at = 1_767_225_600_000;

const alert = (more: Partial<AlertRecord> = {}): AlertRecord => ({
  tenantId: 'acme',
  channelId: newId(),
  trouble: {
    incidentId: newId(),
    endpointId: newId(),
    endpointName: 'gateway ü',
    severity: 'offline',
    code: 'no_answer',
    text: 'It is gone',
    tags: ['edge'],
    startedAt: at,
    resolvedAt: null,
    acknowledged: false,
    flapping: false,
  },
  told: null,
  reminderMs: 60_000,
  held: null,
  dueAt: at,
  messageId: null,
  onItsWay: null,
  ...more,
});

const keep = (tenant: TenantStore, it: AlertRecord): Promise<void> =>
  tenant.changeAlert({ channelId: it.channelId, incidentId: it.trouble.incidentId }, () => it);
const read = async (tenant: TenantStore, { channelId, trouble }: AlertRecord): Promise<AlertRecord | undefined> => {
  let found: AlertRecord | undefined;
  await tenant.changeAlert({ channelId, incidentId: trouble.incidentId }, (known) => void (found = known));
  return found;
};

const rule = (more: { id?: string; name?: string } = {}) => ({
  ...{ id: newId(), tenantId: 'acme', name: 'on call', channelIds: [newId()], tags: [], reminderInterval: null },
  ...{ severities: ['offline' as const], enabled: true, createdAt: at, updatedAt: at },
  ...more,
});

/** What a store promises of what tenants set up, and of alerts. */
export const alertCases: Suite<HealthStore>['cases'] = [
  {
    name: 'keeps, changes, lists and removes what a tenant sets up, one kind apart from another',
    async run(store) {
      const { rules, channels } = store.tenant('acme');
      const [one, two, three] = [rule({ name: 'one' }), rule({ name: 'zwei' }), rule({ name: 'three' })];
      for (const it of [one, two, three]) await rules.insert(it);
      assert.deepEqual(await rules.get(one.id), one);
      assert.equal(await channels.get(one.id), undefined);
      const changed = { ...two, name: 'two' };
      assert.deepEqual(await rules.change(two.id, () => changed), changed);
      assert.deepEqual(await rules.change(two.id, () => changed), changed, 'a change that changes nothing');
      const first = await rules.list({ limit: 2, after: null });
      assert.deepEqual(first, { items: [one, changed], nextCursor: two.id });
      assert.deepEqual(await rules.list({ limit: 2, after: first.nextCursor }), { items: [three], nextCursor: null });
      assert.equal(await rules.remove(one.id), true);
      assert.equal(await rules.remove(one.id), false);
    },
  },
  {
    name: 'inserts within a limit, however many come at once, of a kind and a tenant by themselves',
    async run(store) {
      const { rules, windows } = store.tenant('acme');
      await store.tenant('rival').rules.insert(rule());
      const came = await Promise.all(Array.from({ length: 20 }, () => rules.insertWithin(3, rule())));
      assert.equal(came.filter(Boolean).length, 3);
      const { items } = await rules.list({ limit: 9, after: null });
      assert.equal(items.length, 3);
      assert.deepEqual(await windows.list({ limit: 9, after: null }), { items: [], nextCursor: null });
      await rules.remove(items[0]?.id ?? '');
      const undone = store.transaction(async (trx) => {
        assert.equal(await rules.insertWithin(3, rule(), trx), true);
        throw new Error('undone');
      });
      await assert.rejects(undone, /undone/);
      const own = rule();
      assert.equal(await rules.insertWithin(3, own), true);
      assert.deepEqual(await rules.get(own.id), own);
      assert.equal(await rules.insertWithin(3, rule()), false);
    },
  },
  {
    name: 'lists every tenant’s objectives, page by page',
    async run(store) {
      const of = { name: 'up', target: 0.99, windowDays: 28, endpointId: null, tag: 'core', threshold: null };
      const made = ['rival', 'acme', 'acme', 'zebra'].map((tenantId) => {
        const more = { indicator: 'availability' as const, alert: 'none' as const, createdAt: at, updatedAt: at };
        return { ...of, ...more, id: newId(), tenantId };
      });
      for (const it of made) await store.tenant(it.tenantId).objectives.insert(it);
      await store.tenant('acme').rules.insert(rule());
      const [first, second, third, fourth] = [made[1], made[2], made[0], made[3]];
      const page = await store.everyObjective({ limit: 3, after: null });
      assert.deepEqual(page, [first, second, third]);
      assert.deepEqual(await store.everyObjective({ limit: 3, after: page[2] ?? null }), [fourth]);
    },
  },
  {
    name: 'lists the windows of the tenants that are named, page by page, and of no other',
    async run(store) {
      const timing = { startsAt: 1, endsAt: 2, cron: null, rrule: null, timeZone: 'UTC', duration: null };
      const made = ['rival', 'acme', 'acme', 'zebra'].map((tenantId) => {
        const more = { ...timing, tags: [], endpointIds: [], createdAt: at, updatedAt: at };
        return { ...more, name: 'Patching', id: newId(), tenantId };
      });
      for (const it of made) await store.tenant(it.tenantId).windows.insert(it);
      await store.tenant('acme').rules.insert(rule());
      const [first, second, third] = [made[1], made[2], made[3]];
      const page = await store.windowsOf(['zebra', 'acme', 'nobody'], { limit: 2, after: null });
      assert.deepEqual(page, [first, second]);
      assert.deepEqual(await store.windowsOf(['zebra', 'acme'], { limit: 2, after: page[1] ?? null }), [third]);
      assert.deepEqual(await store.windowsOf([], { limit: 2, after: null }), []);
    },
  },
  {
    name: 'makes and changes a document alone, though many do so at once',
    async run(store) {
      const { heartbeats } = store.tenant('acme');
      const id = newId();
      const job = { id, tenantId: 'acme', token: null, exitStatus: null, pings: [] };
      const fresh = { ...job, startedAt: 0, succeededAt: null, failedAt: null };
      const later = () =>
        heartbeats.change(id, (known = fresh) => ({ ...known, startedAt: (known.startedAt ?? 0) + 1 }));
      await Promise.all(Array.from({ length: 20 }, later));
      assert.equal((await heartbeats.get(id))?.startedAt, 20);
      const refusing = heartbeats.change(id, () => {
        throw new Error('no');
      });
      await assert.rejects(refusing, /no/);
      assert.equal((await heartbeats.get(id))?.startedAt, 20);
    },
  },
  {
    name: 'shows and changes nothing that another tenant set up',
    async run(store) {
      const [own, other] = [store.tenant('acme'), store.tenant('rival')];
      const mine = rule();
      await own.rules.insert(mine);
      assert.equal(await other.rules.get(mine.id), undefined);
      const taking = other.rules.change(mine.id, (known) => {
        assert.equal(known, undefined);
        throw new Error('not there');
      });
      await assert.rejects(taking, /not there/);
      assert.equal(await other.rules.remove(mine.id), false);
      assert.deepEqual((await other.rules.list({ limit: 10, after: null })).items, []);
      assert.deepEqual(await own.rules.get(mine.id), mine);
    },
  },
  {
    name: 'keeps an alert, and gives those that are due, the longest first',
    async run(store) {
      const acme = store.tenant('acme');
      const [late, early] = [
        alert({ dueAt: at + 2 }),
        alert({ dueAt: at + 1, told: { kind: 'opened', severity: 'critical', at } }),
      ];
      const [future, never] = [alert({ dueAt: at + 60_000 }), alert({ dueAt: null, messageId: newId() })];
      const foreign = alert({ tenantId: 'rival', dueAt: at });
      for (const it of [late, early, future, never]) await keep(acme, it);
      await keep(store.tenant('rival'), foreign);
      assert.deepEqual(await store.dueAlerts(at + 2, 10), [foreign, early, late]);
      assert.deepEqual(await store.dueAlerts(at + 2, 1), [foreign]);
      assert.deepEqual(await read(acme, never), never);
      assert.equal(await read(store.tenant('rival'), never), undefined);
    },
  },
  {
    name: 'gives the alerts of one channel that are due by then, the longest first, and of no other',
    async run(store) {
      const acme = store.tenant('acme');
      const { channelId, ...late } = alert({ dueAt: at + 2 });
      const [second, first] = [{ ...late, channelId }, alert({ channelId, dueAt: at + 1 })];
      const others = [alert({ channelId, dueAt: at + 3 }), alert({ channelId, dueAt: null }), alert({ dueAt: at })];
      for (const it of [second, first, ...others]) await keep(acme, it);
      await keep(store.tenant('rival'), alert({ tenantId: 'rival', channelId, dueAt: at }));
      assert.deepEqual(await acme.waitingAlerts(channelId, at + 2, 10), [first, second]);
      assert.deepEqual(await acme.waitingAlerts(channelId, at + 2, 1), [first]);
    },
  },
  {
    name: 'gives the channels that an alert is due for, each once, of every tenant, those that wait longest first',
    async run(store) {
      const [crowded, single, same] = [newId(), newId(), newId()];
      const own = (more: Partial<AlertRecord>) => keep(store.tenant('acme'), alert(more));
      const foreign = (more: Partial<AlertRecord>) =>
        keep(store.tenant('rival'), alert({ ...more, tenantId: 'rival' }));
      for (let count = 0; count < 20; count++) await own({ channelId: crowded, dueAt: at + 1 + count });
      await own({ channelId: same, dueAt: at + 30 });
      await foreign({ channelId: single, dueAt: at + 3 });
      await foreign({ channelId: same, dueAt: at });
      await own({ channelId: newId(), dueAt: at + 60_000 });
      await own({ channelId: newId(), dueAt: null });
      const waiting = [
        { tenantId: 'rival', channelId: same },
        { tenantId: 'acme', channelId: crowded },
        { tenantId: 'rival', channelId: single },
        { tenantId: 'acme', channelId: same },
      ];
      assert.deepEqual(await store.dueChannels(at + 30, 10), waiting);
      assert.deepEqual(await store.dueChannels(at + 30, 2), waiting.slice(0, 2));
      assert.deepEqual(await store.dueChannels(at + 29, 10), waiting.slice(0, 3));
      assert.deepEqual(await store.dueChannels(at - 1, 10), []);
    },
  },
  {
    name: 'leaves, changes and removes an alert as it is told to, or not at all when the transaction fails',
    async run(store) {
      const acme = store.tenant('acme');
      const it = alert();
      const of = { channelId: it.channelId, incidentId: it.trouble.incidentId };
      await acme.changeAlert(of, () => null);
      await keep(acme, it);
      await acme.changeAlert(of, () => undefined);
      assert.deepEqual(await read(acme, it), it);
      const failing = store.transaction(async (trx) => {
        await acme.changeAlert(of, (known) => known && { ...known, dueAt: null }, trx);
        throw new Error('no');
      });
      await assert.rejects(failing, /no/);
      assert.deepEqual(await read(acme, it), it);
      await acme.changeAlert(of, () => null);
      assert.equal(await read(acme, it), undefined);
    },
  },
  {
    name: 'lets many change one alert at once, and loses none of it',
    async run(store) {
      const acme = store.tenant('acme');
      const it = alert({ reminderMs: 0 });
      await keep(acme, it);
      const of = { channelId: it.channelId, incidentId: it.trouble.incidentId };
      const count = (known: AlertRecord | undefined) => known && { ...known, reminderMs: (known.reminderMs ?? 0) + 1 };
      await Promise.all(Array.from({ length: 20 }, () => acme.changeAlert(of, count)));
      assert.equal((await read(acme, it))?.reminderMs, 20);
    },
  },
  {
    name: 'keeps a message, its payload and the alerts in it, each for its own tenant',
    async run(store) {
      const [acme, rival] = [store.tenant('acme'), store.tenant('rival')];
      const channelId = newId();
      const message = { id: newId(), tenantId: 'acme', channelId, payload: null, createdAt: at };
      await acme.insertMessage(message);
      const [one, two] = [alert({ channelId, messageId: message.id }), alert({ channelId, messageId: message.id })];
      for (const it of [two, one, alert({ channelId })]) await keep(acme, it);
      const byIncident = [one, two].sort((a, b) => (a.trouble.incidentId < b.trouble.incidentId ? -1 : 1));
      assert.deepEqual(await acme.alertsIn(message.id), byIncident);
      assert.deepEqual(await rival.alertsIn(message.id), []);
      await acme.setPayload(message.id, '{"text":"ü"}');
      await rival.setPayload(message.id, 'theirs');
      await rival.removeMessage(message.id);
      assert.deepEqual(await acme.message(message.id), { ...message, payload: '{"text":"ü"}' });
      assert.equal(await rival.message(message.id), undefined);
      await acme.setPayload(message.id, null);
      assert.equal((await acme.message(message.id))?.payload, null);
      await acme.removeMessage(message.id);
      assert.equal(await acme.message(message.id), undefined);
    },
  },
  {
    name: 'forgets all alerts and messages of a channel, and of no other',
    async run(store) {
      const acme = store.tenant('acme');
      const [gone, other] = [alert(), alert()];
      const message = { id: newId(), tenantId: 'acme', channelId: gone.channelId, payload: null, createdAt: at };
      for (const it of [gone, other]) await keep(acme, it);
      await acme.insertMessage(message);
      await store.tenant('rival').removeAlertsOf(gone.channelId);
      assert.deepEqual(await read(acme, gone), gone);
      await acme.removeAlertsOf(gone.channelId);
      assert.equal(await read(acme, gone), undefined);
      assert.equal(await acme.message(message.id), undefined);
      assert.deepEqual(await read(acme, other), other);
    },
  },
];
