import assert from 'node:assert/strict';
import { newId } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import type { WebhookDelivery } from '../webhooks/delivery.js';
import type { Webhook } from '../webhooks/webhook.js';
import type { LifecycleStoreSubject } from './subject.js';

const aWebhook = (tenantId: string): Webhook => ({
  id: newId(),
  tenantId,
  name: 'CRM',
  url: 'https://crm.example.com/in',
  events: null,
  enabled: true,
  sealedSecret: 'a.b.c.d',
  oldSealedSecret: null,
  oldSecretUntil: null,
  failingSince: null,
  disabledAt: null,
  createdAt: 5,
  updatedAt: 5,
});
const aDelivery = (webhookId: string, eventAt: number, change: Partial<WebhookDelivery> = {}): WebhookDelivery => ({
  id: newId(),
  webhookId,
  customerId: newId(),
  eventId: newId(),
  eventType: 'customer.suspended',
  eventAt,
  state: 'pending',
  attempts: 0,
  lastAttemptAt: null,
  lastFailure: null,
  deliveredAt: null,
  ...change,
});

/** What a store must do with webhooks and the log of their deliveries. */
export const webhookCases: Suite<LifecycleStoreSubject>['cases'] = [
  {
    name: 'keeps webhooks, each tenant’s by themselves, and removes one at once, and its log batch after batch',
    async run({ store }) {
      const { webhooks } = store.tenant('a');
      const [first, second] = [aWebhook('a'), aWebhook('a')];
      for (const webhook of [first, second]) await webhooks.insert(webhook);
      await store.tenant('b').webhooks.insert(aWebhook('b'));
      assert.deepEqual(await webhooks.all(), [first, second]);
      const old = { oldSealedSecret: 'e.f.g.h', oldSecretUntil: 90 };
      const changed = { ...first, ...old, events: ['customer.deleted'], enabled: false };
      await store.transaction((trx) => webhooks.update(changed, trx));
      const other = store.tenant('b').webhooks;
      await store.transaction((trx) => other.update({ ...changed, name: 'not theirs' }, trx));
      assert.equal(await store.transaction((trx) => other.lock(first.id, trx)), undefined);
      assert.deepEqual(await webhooks.get(first.id), changed);
      const delivery = aDelivery(first.id, 5);
      await store.transaction((trx) => webhooks.addDelivery(delivery, trx));
      assert.deepEqual(await webhooks.delivery(delivery.id), delivery);
      assert.equal(await store.tenant('b').webhooks.delivery(delivery.id), undefined);
      await store.transaction((trx) => webhooks.remove(first.id, trx));
      assert.deepEqual(await webhooks.all(), [second]);
      const more = [aDelivery(first.id, 5), aDelivery(first.id, 6), aDelivery(second.id, 7)] as const;
      await store.transaction(async (trx) => {
        for (const each of more) await webhooks.addDelivery(each, trx);
      });
      assert.deepEqual(await webhooks.deliveriesFor([more[0].eventId, more[2].eventId]), [more[2]]);
      assert.equal(await store.pruneRemovedWebhooks(2), 2);
      assert.equal((await webhooks.deliveries({ webhookId: first.id, limit: 9 })).items.length, 1);
      while ((await store.pruneRemovedWebhooks(2)) > 0);
      assert.deepEqual((await webhooks.deliveries({ webhookId: first.id, limit: 9 })).items, []);
      assert.deepEqual(await webhooks.delivery(more[2].id), more[2]);
    },
  },
  {
    name: 'lets those who come for a limit count one after another, each tenant’s by themselves',
    async run({ store }) {
      const { webhooks, limits } = store.tenant('a');
      const add = () =>
        store.transaction(async (trx) => {
          await limits.lock('webhooks', trx);
          if ((await webhooks.count(trx)) < 3) await webhooks.insert(aWebhook('a'), trx);
        });
      await store.tenant('b').webhooks.insert(aWebhook('b'));
      await Promise.all(Array.from({ length: 20 }, add));
      assert.equal((await webhooks.all()).length, 3);
    },
  },
  {
    name: 'lets twenty who change one webhook at once change it one after another',
    async run({ store }) {
      const { webhooks } = store.tenant('a');
      const webhook = aWebhook('a');
      const { id } = webhook;
      await webhooks.insert(webhook);
      const add = () =>
        store.transaction(async (trx) => {
          const found = await webhooks.lock(id, trx);
          assert.ok(found);
          await webhooks.update({ ...found, name: `${found.name}+` }, trx);
        });
      await Promise.all([...Array.from({ length: 20 }, add), webhooks.noteFailing(id, 7)]);
      const found = await webhooks.get(id);
      assert.deepEqual([found?.name, found?.failingSince], [`CRM${'+'.repeat(20)}`, 7]);
    },
  },
  {
    name: 'notes since when a webhook fails, and lets one of twenty racers switch it off',
    async run({ store }) {
      const { webhooks } = store.tenant('a');
      const webhook = aWebhook('a');
      await webhooks.insert(webhook);
      const note = async (since: number | null) => {
        await webhooks.noteFailing(webhook.id, since);
        return (await webhooks.get(webhook.id))?.failingSince;
      };
      assert.deepEqual([await note(10), await note(20), await note(null), await note(30)], [10, 10, null, 30]);
      const disable = (since: number) => store.transaction((trx) => webhooks.disable(webhook.id, since, 99, trx));
      assert.equal(await disable(10), false);
      const other = store.tenant('b').webhooks;
      assert.equal(await store.transaction((trx) => other.disable(webhook.id, 30, 99, trx)), false);
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => disable(30)));
      assert.equal(outcomes.filter(Boolean).length, 1);
      const off = { ...webhook, enabled: false, failingSince: 30, disabledAt: 99, updatedAt: 99 };
      assert.deepEqual(await webhooks.get(webhook.id), off);
    },
  },
  {
    name: 'notes an event once for a webhook, settles what is pending, and makes it pending again once',
    async run({ store }) {
      const { webhooks } = store.tenant('a');
      const delivery = aDelivery(newId(), 5);
      const add = (it: WebhookDelivery) => store.transaction((trx) => webhooks.addDelivery(it, trx));
      assert.deepEqual([await add(delivery), await add({ ...delivery, id: newId() })], [true, false]);
      const settled = { ...delivery, state: 'failed' as const, attempts: 3, lastAttemptAt: 9, lastFailure: 'refused' };
      const tried = { ...settled, state: 'pending' as const, attempts: 2 };
      const tries = [tried, { ...tried, attempts: 1, lastFailure: 'too late' }, settled];
      const outcomes: boolean[] = [];
      for (const each of [...tries, { ...settled, state: 'delivered' as const }])
        outcomes.push(await store.transaction((trx) => webhooks.settle(each, trx)));
      assert.deepEqual(outcomes, [true, false, true, false]);
      assert.deepEqual(await webhooks.delivery(delivery.id), settled);
      const reset = () => store.transaction((trx) => webhooks.reset(delivery.id, trx));
      const racers = await Promise.all(Array.from({ length: 20 }, reset));
      assert.equal(racers.filter(Boolean).length, 1);
      assert.deepEqual(await webhooks.delivery(delivery.id), { ...settled, state: 'pending', attempts: 0 });
    },
  },
  {
    name: 'lists deliveries newest first and by state, and those of a range in the order of their events',
    async run({ store }) {
      const { webhooks } = store.tenant('a');
      const webhookId = newId();
      const [a, b, c] = [aDelivery(webhookId, 20), aDelivery(webhookId, 10), aDelivery(webhookId, 10)];
      const done = aDelivery(webhookId, 15, { state: 'delivered', deliveredAt: 16 });
      await store.transaction(async (trx) => {
        for (const it of [a, b, c, done, aDelivery(newId(), 10)]) await webhooks.addDelivery(it, trx);
      });
      const page = await webhooks.deliveries({ webhookId, limit: 3 });
      assert.deepEqual(page.items, [done, c, b]);
      const rest = await webhooks.deliveries({ webhookId, limit: 3, cursor: page.nextCursor ?? '' });
      assert.deepEqual([rest.items, rest.nextCursor], [[a], null]);
      assert.deepEqual((await webhooks.deliveries({ webhookId, state: 'delivered', limit: 9 })).items, [done]);
      const ask = { webhookId, from: 10, to: 20, states: ['pending', 'delivered'] as const, limit: 2 };
      const first = await webhooks.deliveriesOf(ask);
      assert.deepEqual(first.items, [b, c]);
      const second = await webhooks.deliveriesOf({ ...ask, cursor: first.nextCursor ?? '' });
      assert.deepEqual([second.items, second.nextCursor], [[done], null]);
      const { deliveriesFor } = webhooks;
      const eventIds = [a, b, done].map(({ eventId }) => eventId);
      await webhooks.insert({ ...aWebhook('a'), id: webhookId });
      assert.deepEqual([await deliveriesFor(eventIds), await deliveriesFor([])], [[b, done, a], []]);
      assert.deepEqual(await store.tenant('b').webhooks.deliveriesFor(eventIds), []);
      assert.equal(await store.pruneDeliveries(20, 9), 1);
      assert.equal(await webhooks.delivery(done.id), undefined);
    },
  },
];
