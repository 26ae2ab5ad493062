import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Lifecycle, VerificationMessage } from '@dotmac/lifecycle';
import { expectEvents, fakeClock, type FakeClock } from '@dotmac/lifecycle/testing';
import { sql, type Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { available, freshPostgres, type FreshDatabase } from '../../../test/support/services.js';
import { createApp } from '../src/app.js';
import { createCustomers, tenantId } from '../src/customers.js';
import { openDatabase, prepareDatabase, type AppTables } from '../src/database.js';

const day = 86_400_000;

describe.skipIf(!available.postgres)('an application with users of its own', () => {
  let fresh: FreshDatabase;
  let database: Kysely<AppTables>;
  let customers: Lifecycle;
  let clock: FakeClock;
  let server: Server;
  let url: string;
  let sent: VerificationMessage[];

  beforeEach(async () => {
    fresh = await freshPostgres();
    database = openDatabase(fresh.url);
    await prepareDatabase(database);
    clock = fakeClock();
    sent = [];
    const secret = 'a secret of more than 32 characters, for tests';
    customers = createCustomers({ database, secret, clock, sendVerification: (message) => void sent.push(message) });
    await customers.start();
    server = createApp(database, customers).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await customers.stop();
    await database.destroy();
    await fresh.drop();
  });

  const scope = () => customers.scope({ tenantId });
  const neo = { email: 'neo@example.com', password: 'follow the rabbit', name: 'Thomas Anderson' };
  const ask = (method: string, path: string, body?: object, cookie = '') =>
    fetch(url + path, {
      method,
      headers: { cookie, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  const signUp = async (more: object = {}): Promise<{ id: string; cookie: string }> => {
    const answer = await ask('POST', '/signup', { ...neo, ...more });
    expect(answer.status).toBe(201);
    const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    return { id: ((await answer.json()) as { id: string }).id, cookie };
  };
  const counts = async () => {
    const { rows } = await sql<{ users: string; customers: string; sessions: string }>`
      select (select count(*) from users) users, (select count(*) from sessions) sessions,
        (select count(*) from dotmac_customers) customers`.execute(database);
    return rows.map((row) => [row.users, row.customers, row.sessions].map(Number))[0];
  };
  const customerOf = async (userId: string): Promise<string> => {
    const customer = await scope().customers.findByExternalId(userId);
    if (!customer) throw new Error(`there is no customer for ${userId}`);
    return customer.id;
  };
  /** Lets what is due be done: deliveries, timers. The database takes its own time, whatever this clock says. */
  const until = async (done: () => boolean | Promise<boolean>): Promise<void> => {
    const isDone = async (): Promise<boolean> => {
      if (await done()) return true;
      await clock.advance(1_000);
      return false;
    };
    await expect.poll(isDone, { timeout: 45_000, interval: 1 }).toBe(true);
  };

  const isErased = async (customerId: string): Promise<boolean> => {
    const { lifecycleEvents } = await scope().customers.summary(customerId);
    return lifecycleEvents.at(-1)?.eventType === 'customer.erased';
  };

  it('signs users up, and has a customer for each', async () => {
    const { id, cookie } = await signUp();
    expect(await (await ask('GET', '/me', undefined, cookie)).json()).toMatchObject({ id, stage: 'registration' });
    const customerId = await customerOf(id);
    await expectEvents(scope(), customerId, [{ event: 'customer.registered', actor: `user:${id}` }]);
    expect(await counts()).toEqual([1, 1, 1]);
    expect((await ask('POST', '/login', { email: neo.email, password: neo.password })).status).toBe(200);
    expect((await ask('POST', '/login', { email: neo.email, password: 'wrong password' })).status).toBe(401);
  });

  it('makes neither where one of them cannot be made', async () => {
    const taken = { username: 'x', email: neo.email, firstName: 'X', lastName: 'Y', userType: 'user' };
    await scope().customers.register(taken);
    const answer = await ask('POST', '/signup', neo);
    expect([answer.status, await answer.json()]).toEqual([409, { error: 'CUSTOMER_EXISTS' }]);
    expect(await counts()).toEqual([0, 1, 0]);
    // The application's own statement fails after the customer was registered.
    await sql`alter table sessions add constraint full_up check (false)`.execute(database);
    expect((await ask('POST', '/signup', { ...neo, email: 'trinity@example.com' })).status).toBe(500);
    expect(await counts()).toEqual([0, 1, 0]);
    await until(() => sent.length > 0);
    await clock.advance(5_000);
    expect(sent.map(({ address }) => address)).toEqual([neo.email]);
  });

  it('verifies an address by the link that was mailed', async () => {
    const { id, cookie } = await signUp();
    await until(() => sent.length === 1);
    const link = `/ops${sent[0]?.path ?? ''}`;
    expect(await (await ask('GET', link)).text()).toContain('<form method="post">');
    expect((await ask('POST', link)).status).toBe(200);
    expect(await (await ask('GET', '/me', undefined, cookie)).json()).toMatchObject({ stage: 'verification' });
    await expectEvents(scope(), await customerOf(id), ['customer.registered', 'customer.verified']);
  });

  it('deletes both when the user asks to, and neither when the customer may not go', async () => {
    const { id, cookie } = await signUp();
    const customerId = await customerOf(id);
    await sql`create function stay() returns trigger language plpgsql as $$ begin raise 'not now'; end $$`.execute(
      database,
    );
    await sql`create trigger stay before delete on users for each row execute function stay()`.execute(database);
    expect((await ask('DELETE', '/me', undefined, cookie)).status).toBe(500);
    await expectEvents(scope(), customerId, ['customer.registered']);
    await sql`drop trigger stay on users`.execute(database);
    expect((await ask('DELETE', '/me', undefined, cookie)).status).toBe(204);
    expect(await counts()).toEqual([0, 1, 0]);
    expect((await ask('GET', '/me', undefined, cookie)).status).toBe(401);
    await until(() => isErased(customerId));
    const erased = { event: 'customer.erased', actor: 'journey:erasure' } as const;
    await expectEvents(scope(), customerId, ['customer.registered', 'customer.deleted', erased]);
  });

  it('signs users up again who had themselves deleted', async () => {
    const { id, cookie } = await signUp();
    const customerId = await customerOf(id);
    expect((await ask('DELETE', '/me', undefined, cookie)).status).toBe(204);
    await until(() => isErased(customerId));
    const again = await signUp();
    expect(again.id).not.toBe(id);
    expect(await customerOf(again.id)).not.toBe(customerId);
  });

  it('signs users up whose address a stranger gave, and never verified', async () => {
    const start = clock.now();
    const stranger = await customerOf((await signUp({ name: 'Agent Smith' })).id);
    expect((await ask('POST', '/signup', neo)).status).toBe(409);
    clock.set(start + 14 * day);
    await until(() => isErased(stranger));
    await signUp();
  });

  it('deletes users who never verified, with their customers, when their time is over', async () => {
    const start = clock.now();
    const { id } = await signUp();
    const customerId = await customerOf(id);
    clock.set(start + 13 * day);
    await clock.advance(60_000);
    expect(await counts()).toEqual([1, 1, 1]);
    clock.set(start + 14 * day);
    await until(() => isErased(customerId));
    expect(await counts()).toEqual([0, 1, 0]);
    await expectEvents(scope(), customerId, [
      'customer.registered',
      { event: 'customer.deleted', actor: 'journey:never-verified' },
      'customer.erased',
    ]);
  });

  it('keeps users who verified, whoever else goes after as long', async () => {
    const { id, cookie } = await signUp();
    await until(() => sent.length === 1);
    expect((await ask('POST', `/ops${sent[0]?.path ?? ''}`)).status).toBe(200);
    const customerId = await customerOf(id);
    await scope().onboarding.onboard(customerId);
    await signUp({ email: 'cypher@example.com' });
    clock.set(clock.now() + 15 * day);
    await until(async () => (await counts())?.[0] === 1);
    expect(await (await ask('GET', '/me', undefined, cookie)).json()).toMatchObject({ id, stage: 'active' });
    expect(await scope().timers.list(customerId)).toEqual([]);
    await expectEvents(scope(), customerId, [
      'customer.registered',
      'customer.verified',
      'customer.onboarding_started',
      'customer.activated',
    ]);
  });

  it('does not bring a customer back without its user, where a matter keeps it from being erased', async () => {
    const { id } = await signUp();
    const customerId = await customerOf(id);
    await scope().privacy.setHold(customerId, { name: 'case' });
    await scope().customers.delete(customerId);
    await expect(scope().customers.restore(customerId)).rejects.toMatchObject({ code: 'USER_GONE' });
    expect(await isErased(customerId)).toBe(false);
  });

  it('lets staff alone at the lifecycle’s own API', async () => {
    const { id, cookie } = await signUp();
    const path = `/ops/customer-lifecycle/customers?external_id=${id}`;
    expect((await ask('GET', path, undefined, cookie)).status).toBe(401);
    await database.updateTable('users').set({ is_staff: true }).where('id', '=', id).execute();
    const page = (await (await ask('GET', path, undefined, cookie)).json()) as { items: { external_id: string }[] };
    expect(page.items.map(({ external_id }) => external_id)).toEqual([id]);
  });
});
