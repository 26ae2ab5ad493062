import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLifecycle } from '../../src/lifecycle.js';
import { memoryLifecycleStore } from '../../src/store/memory/index.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';
import { isSigned, receiver } from '../support/receiver.js';

const webhooks = { egress: { allow: ['loopback' as const] }, maxAttempts: 3 };

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`webhooks on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend, { webhooks });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    it('post what happens, signed, in its order for each customer, to whoever wants it', async () => {
      const [all, some] = [await receiver(), await receiver()];
      const made = await run.acme.webhooks.create({ name: 'CRM', url: all.url });
      await run.acme.webhooks.create({ name: 'billing', url: some.url, events: ['customer.suspended'] });
      await run.other.webhooks.create({ name: 'another tenant', url: some.url });
      const { id } = await run.acme.customers.register({ ...someone(), referralCode: 'Ünïcode' });
      await run.acme.customers.delete(id, { reason: 'moved' });
      const active = await run.active();
      await run.acme.suspension.suspend(active, { actionType: 'abuse', reason: 'loud', parameters: { Times: 3 } });
      await until(() => all.received.length >= 7 && some.received.length >= 1, run.clock);
      const of = (customerId: string) =>
        all.received.filter(({ body }) => body.data['customer_id'] === customerId).map(({ type }) => type);
      expect(of(id)).toEqual(['customer.registered', 'customer.deleted']);
      expect(of(active).at(-1)).toBe('customer.suspended');
      expect(some.types()).toEqual(['customer.suspended']);
      expect(some.received[0]?.body).toMatchObject({
        data: { tenant_id: 'acme', actor: 'user:1', details: { note: 'loud', parameters: { Times: 3 } } },
      });
      expect(all.received.every((message) => isSigned(made.secret ?? '', message))).toBe(true);
      expect(some.received.some((message) => isSigned(made.secret ?? '', message))).toBe(false);
      await until(async () => {
        const { items } = await run.acme.webhooks.deliveries(made.id, { limit: 500 });
        return items.length === all.received.length && items.every(({ state }) => state === 'delivered');
      }, run.clock);
      expect(new Set(all.received.map((it) => it.id)).size).toBe(all.received.length);
    });

    it('are tried again, hold up their own customer alone, are given up, and are replayed', async () => {
      const there = await receiver();
      there.is.status = 503;
      const { id: webhookId } = await run.acme.webhooks.create({
        name: 'CRM',
        url: there.url,
        events: ['customer.registered', 'customer.deleted'],
      });
      const from = run.clock.now();
      const { id } = await run.acme.customers.register(someone());
      await run.acme.customers.delete(id);
      await until(() => there.received.length === 1, run.clock);
      const log = async () => (await run.acme.webhooks.deliveries(webhookId)).items;
      await until(async () => {
        const [second, first] = await log();
        return second !== undefined && first?.lastFailure === 'status_503';
      }, run.clock);
      // The second event waits for the first.
      expect((await log())[0]).toMatchObject({ eventType: 'customer.deleted', state: 'pending', attempts: 0 });
      await until(async () => (await log()).every(({ state }) => state === 'failed'), run.clock, 1_000);
      expect(there.types()).toEqual([
        ...['customer.registered', 'customer.registered', 'customer.registered'],
        ...['customer.deleted', 'customer.deleted', 'customer.deleted'],
      ]);
      expect(new Set(there.received.map((it) => it.id)).size).toBe(2);
      expect((await run.acme.webhooks.deliveries(webhookId, { state: 'delivered' })).items).toEqual([]);

      there.is.status = 200;
      there.received.length = 0;
      const [deleted] = await log();
      expect(await run.acme.webhooks.replay(deleted?.id ?? '')).toMatchObject({ state: 'pending', attempts: 0 });
      await until(async () => (await log())[0]?.state === 'delivered', run.clock);
      expect(there.received.map((it) => it.id)).toEqual([deleted?.id]);
      await expect(run.other.webhooks.replay(deleted?.id ?? '')).rejects.toMatchObject({
        code: 'WEBHOOK_DELIVERY_NOT_FOUND',
      });
      const range = { from, to: run.clock.now() + 1 };
      expect(await run.acme.webhooks.replayRange(webhookId, range)).toEqual({ replayed: 1, nextCursor: null });
      await until(async () => (await log()).every(({ state }) => state === 'delivered'), run.clock);
      there.received.length = 0;
      const everything = { ...range, states: ['delivered' as const] };
      expect(await run.acme.webhooks.replayRange(webhookId, everything)).toMatchObject({ replayed: 2 });
      await until(() => there.received.length === 2, run.clock);
      expect(there.types()).toEqual(['customer.registered', 'customer.deleted']);
      expect(await run.acme.webhooks.replayRange(webhookId, { from: 0, to: 1 })).toMatchObject({ replayed: 0 });
    });

    it('note what they miss while they are not enabled', async () => {
      const there = await receiver();
      const { id: webhookId } = await run.acme.webhooks.create({ name: 'CRM', url: there.url, enabled: false });
      const from = run.clock.now();
      await run.acme.customers.register(someone());
      const log = async () => (await run.acme.webhooks.deliveries(webhookId)).items;
      await until(async () => (await log()).length === 1, run.clock);
      expect(await log()).toMatchObject([{ state: 'skipped', attempts: 0 }]);
      await run.acme.webhooks.update(webhookId, { enabled: true });
      await run.acme.webhooks.replayRange(webhookId, { from, to: run.clock.now() + 1 });
      await until(() => there.received.length === 1, run.clock);
    });

    it('show nobody the person who was erased meanwhile', async () => {
      const there = await receiver();
      there.is.status = 503;
      const { id: webhookId } = await run.acme.webhooks.create({ name: 'CRM', url: there.url });
      const { id } = await run.acme.customers.register(someone());
      await run.acme.customers.delete(id, { reason: 'moved to Kettle Lane' });
      await run.acme.privacy.erase(id);
      const log = async () => (await run.acme.webhooks.deliveries(webhookId)).items;
      await until(async () => (await log()).length === 3, run.clock);
      there.is.status = 200;
      await until(async () => (await log()).every(({ state }) => state === 'delivered'), run.clock, 1_000);
      expect(there.types().slice(-2)).toEqual(['customer.deleted', 'customer.erased']);
      expect(JSON.stringify(there.received.slice(-3))).not.toContain('Kettle');
    });
  });

describe('a webhook', () => {
  const lifecycle = (more: object = {}) =>
    createLifecycle({
      store: memoryLifecycleStore(),
      secret: 'a secret of more than 32 characters, for tests',
      webhooks,
      ...more,
    }).scope({ tenantId: 'acme' });

  it('shows its secret when it is made or pointed elsewhere, and keeps it sealed', async () => {
    const store = memoryLifecycleStore();
    const { webhooks: own } = lifecycle({ store });
    const made = await own.create({ name: 'CRM', url: 'http://127.0.0.1:9/hook' });
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(await own.update(made.id, { url: 'http://127.0.0.1:9/other' })).toMatchObject({ secret: null });
    const moved = await own.update(made.id, { url: 'http://127.0.0.1:10/hook' });
    expect(moved.secret).toMatch(/^whsec_/);
    expect((await own.update(made.id, { rotateSecret: true })).secret).not.toBe(moved.secret);
    const shown = JSON.stringify([await own.get(made.id), await own.list()]);
    expect(shown).not.toContain('whsec_');
    expect(shown).not.toContain('sealed');
    expect(JSON.stringify(await store.tenant('acme').webhooks.all())).not.toContain('whsec_');
    await own.remove(made.id);
    await expect(own.get(made.id)).rejects.toMatchObject({ code: 'WEBHOOK_NOT_FOUND' });
  });

  it.each([
    ['metadata of a cloud', 'http://169.254.169.254/latest', ['url']],
    ['a private address', 'http://10.0.0.1/', ['url']],
    ['an address in disguise', 'http://0x0a000001/', ['url']],
    ['another scheme', 'file:///etc/passwd', ['url']],
    ['credentials', 'http://user:pass@127.0.0.1/', ['url']],
  ])('does not lead to %s', async (_, url, paths) => {
    const refused = lifecycle().webhooks.create({ name: 'x', url });
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      issues: paths.map((path) => expect.objectContaining({ path }) as unknown),
    });
  });

  it('takes events that there are alone', async () => {
    const refused = lifecycle().webhooks.create({ name: 'x', url: 'http://127.0.0.1/', events: ['customer.exploded'] });
    await expect(refused).rejects.toMatchObject({ issues: [{ path: 'events.0' }] });
  });

  it('is judged again when it is connected to, and follows no redirect', async () => {
    const there = await receiver();
    const { webhooks: own } = lifecycle();
    const { id, secret } = await own.create({ name: 'CRM', url: there.url });
    expect(await own.test(id)).toMatchObject({ delivered: true });
    expect(there.received.map((message) => [message.type, isSigned(secret ?? '', message)])).toEqual([
      ['webhook.test', true],
    ]);
    there.is.status = 302;
    await expect(own.test(id)).rejects.toMatchObject({ code: 'WEBHOOK_FAILED', details: { code: 'status_302' } });
    const store = memoryLifecycleStore();
    const made = await lifecycle({ store }).webhooks.create({ name: 'CRM', url: there.url });
    // The host has closed loopback since.
    const closed = lifecycle({ store, webhooks: {} });
    await expect(closed.webhooks.test(made.id)).rejects.toMatchObject({ code: 'WEBHOOK_FAILED' });
    expect(there.received.length).toBe(2);
  });

  it('is not there where the host has not switched them on, and needs a secret', async () => {
    const off = createLifecycle({ store: memoryLifecycleStore() }).scope({ tenantId: 'acme' });
    await expect(off.webhooks.create({ name: 'x', url: 'http://127.0.0.1/' })).rejects.toMatchObject({
      code: 'WEBHOOKS_OFF',
    });
    expect(() => createLifecycle({ store: memoryLifecycleStore(), webhooks: {} })).toThrow(/secret/);
  });
});
