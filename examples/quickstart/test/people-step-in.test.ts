import { createLifecycle, defineServiceTemplate, memoryLifecycleStore, type Lifecycle } from '@dotmac/lifecycle';
import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  assertInstants,
  assertStatus,
  createClient,
  eventually,
  eventsUntil,
  type Answer,
  type Client,
} from './contract/client.js';
import { frameworks, type Served } from './frameworks.js';

const at = '/customer-lifecycle';
describe.each(Object.keys(frameworks))('what people do about customers and their services over HTTP, on %s', (name) => {
  let lifecycle: Lifecycle;
  let served: Served;
  let client: Client;
  /** By customer and channel, and by the service whose step they complete. */
  const tokens = new Map<string, string>();
  let isBroken = false;
  const told: string[] = [];

  beforeAll(async () => {
    const refuses = (): void => {
      if (isBroken) throw new Error('out of order');
    };
    lifecycle = createLifecycle({
      store: memoryLifecycleStore(),
      secret: 'a secret of more than 32 characters, for tests',
      templates: [
        defineServiceTemplate({
          name: 'line',
          config: z.object({ speed: z.number().default(100) }),
          steps: [
            { key: 'boss', approval: {} },
            {
              key: 'technician',
              completion: {},
              run: ({ serviceId, completionToken }) => void tokens.set(serviceId, completionToken),
            },
          ],
          operations: {
            suspend: [{ key: 'shut', retry: { attempts: 1 }, run: refuses }],
            resume: [{ key: 'open', run: () => undefined }],
            change_plan: [{ key: 'speed', run: () => undefined }],
          },
        }),
        defineServiceTemplate({
          name: 'tv',
          config: z.object({}),
          steps: [{ key: 'box', run: () => undefined }],
          operations: {
            suspend: [{ key: 'boss', approval: {} }],
            deprovision: [
              { key: 'closed', run: () => undefined, compensate: () => undefined },
              { key: 'boss', approval: {} },
              { key: 'wiped', run: () => undefined },
              { key: 'returned', approval: {} },
            ],
          },
        }),
      ],
      hooks: {
        'customer.delete': {
          afterCommit({ state }) {
            refuses();
            told.push(state.id);
          },
        },
      },
      maxDeliveryAttempts: 1,
      sendVerification: ({ customerId, channel, token }) => void tokens.set(`${customerId} ${channel}`, token),
    });
    await lifecycle.start();
    served = await (frameworks[name] ?? expect.unreachable())(lifecycle);
    client = createClient(served.url, null);
  });
  afterAll(async () => {
    await served.close();
    await lifecycle.stop();
  });

  let count = 0;
  const registered = async (more: object = {}): Promise<string> => {
    count += 1;
    const names = { username: `user${count}`, email: `user${count}@example.com`, first_name: 'A', last_name: 'B' };
    const asked = await client.post(`${at}/register`, { ...names, user_type: 'residential', ...more });
    return assertStatus(asked, 201).body.id;
  };
  const command = (id: string, word: string, body?: object) => client.post(`${at}/customers/${id}/${word}`, body);
  const verify = async (id: string): Promise<Answer> => {
    await expect.poll(() => tokens.get(`${id} email`)).toBeDefined();
    const verification_token = tokens.get(`${id} email`);
    return command(id, 'verify', { verification_token, verification_type: 'email' });
  };
  const active = async (): Promise<string> => {
    const id = await registered();
    assertStatus(await verify(id), 200);
    assertStatus(await command(id, 'onboard', {}), 200);
    return id;
  };
  const ofRun = (id: string, word: string, body?: object) => client.post(`${at}/provisioning/${id}/${word}`, body);
  const serviceIs = (id: string, wanted: object) =>
    eventually(
      () => client.get(`${at}/services/${id}`),
      ({ body }) => Object.entries(wanted).every(([key, value]) => body[key] === value),
    );
  const idle = { open_run_id: null };
  const requested = async (): Promise<string> =>
    assertStatus(await command(await active(), 'services', { service_name: 'line' }), 202).body.id;
  const provisioned = async (): Promise<string> => {
    const id = await requested();
    const decided = assertStatus(
      await ofRun(id, 'decisions', { step: 'boss', decision: 'approve', comment: 'ok' }),
      200,
    );
    expect(decided.body).toMatchObject({ id, service_name: 'line', operation: 'provision' });
    assertInstants(decided.body, 'created_at', 'updated_at');
    await expect.poll(() => tokens.get(id)).toBeDefined();
    const completion = { token: tokens.get(id), output: { port: 7 } };
    const completed = await createClient(served.url, null).post(`${at}/provisioning/completions`, completion);
    expect(typeof assertStatus(completed, 200).body.message).toBe('string');
    await serviceIs(id, { ...idle, status: 'active', access: 'full' });
    return id;
  };
  /** A service that could not be suspended; the run that is stuck. */
  const stuck = async (): Promise<{ id: string; run: string }> => {
    const id = await provisioned();
    isBroken = true;
    assertStatus(await client.post(`${at}/services/${id}/suspend`, { action_type: 'abuse' }), 200);
    const { body } = await serviceIs(id, { status: 'stuck' });
    return { id, run: body.open_run_id };
  };

  it('lets in who waits for it, and turns away', async () => {
    const [one, two] = [await registered({ requires_approval: true }), await registered({ requires_approval: true })];
    const approved = assertStatus(await command(one, 'approve'), 200);
    expect(approved.body).toMatchObject({ id: one, lifecycle_stage: 'registration', status: 'pending' });
    expect(assertStatus(await verify(one), 200).body.lifecycle_stage).toBe('verification');
    const rejected = assertStatus(await command(two, 'reject', { reason: 'fraud' }), 200);
    expect(rejected.body).toMatchObject({ id: two, lifecycle_stage: 'inactive' });
  });

  it('changes what is known of a customer, and sends its new address a token', async () => {
    const id = await active();
    const profile = { last_name: 'Quux', email: `moved${count}@example.com`, attributes: { planHint: 'fast' } };
    const sent = `${id} email`;
    tokens.delete(sent);
    const changed = assertStatus(await client.call('PATCH', `${at}/customers/${id}`, profile), 200);
    expect(changed.body).toMatchObject({ id, lifecycle_stage: 'active' });
    const [found] = assertStatus(await client.get(`${at}/customers?search=quux`), 200).body.items;
    expect(found).toMatchObject({ id, last_name: 'Quux', email: profile.email });
    await expect.poll(() => tokens.has(sent)).toBe(true);
    tokens.delete(sent);
    const again = assertStatus(await command(id, 'verification', { channel: 'email' }), 200);
    expect(typeof again.body.message).toBe('string');
    assertStatus(await verify(id), 200);
    const { email_verified_at } = assertStatus(await client.get(`${at}/customers/${id}/state`), 200).body;
    assertInstants({ email_verified_at }, 'email_verified_at');
  });

  it('approves a step, completes one from outside, and changes the plan', async () => {
    const id = await provisioned();
    const changed = await client.post(`${at}/services/${id}/change-plan`, { custom_config: { speed: 500 } });
    expect(assertStatus(changed, 202).body).toMatchObject({ id, status: 'active' });
    const { body } = await serviceIs(id, { ...idle, status: 'active' });
    expect(body.custom_config).toEqual({ speed: 500 });
    const runs = assertStatus(await client.get(`${at}/services/${id}/runs`), 200).body as { operation: string }[];
    expect(runs.map(({ operation }) => operation)).toEqual(['change_plan', 'provision']);
  });

  it('tells each step of a run while it goes on, and a reader that comes back what it does not know yet', async () => {
    const id = await requested();
    const path = `${at}/provisioning/${id}`;
    await eventually(
      () => client.get(path),
      ({ body }) => body.steps[0].status === 'waiting',
    );
    const following = await client.stream('GET', `${path}/events`);
    const [known = expect.unreachable()] = await eventsUntil(following.clone(), 'run');
    expect(JSON.parse(known.data)).toMatchObject({ step: null, run: { steps: [{ status: 'waiting' }, {}] } });
    const back = await client.stream('GET', `${path}/events`, { headers: { 'last-event-id': known.id } });
    const heard = [eventsUntil(following, 'ended'), eventsUntil(back, 'ended')];

    assertStatus(await ofRun(id, 'decisions', { step: 'boss', decision: 'approve' }), 200);
    await expect.poll(() => tokens.get(id)).toBeDefined();
    assertStatus(await client.post(`${at}/provisioning/completions`, { token: tokens.get(id) }), 200);

    const [all = [], rest = []] = await Promise.all(heard);
    const told = all.map(({ event, data }) => ({ event, ...JSON.parse(data) }));
    const steps = told.flatMap(({ step }) => (step ? [`${step.name}: ${step.status}`] : []));
    expect(steps).toEqual(expect.arrayContaining(['boss: completed', 'technician: completed']));
    expect(told.at(-1)).toMatchObject({ event: 'ended', run: { run_status: 'completed' } });
    expect(rest.map((event) => event.id)).not.toContain(known.id);
  });

  it('cancels a run, which is undone', async () => {
    const id = await requested();
    assertInstants(assertStatus(await ofRun(id, 'cancel'), 200).body, 'cancel_requested_at');
    await serviceIs(id, { ...idle, status: 'failed', access: 'none' });
    expect((await client.get(`${at}/provisioning/${id}`)).body.run_status).toBe('cancelled');
  });

  it('cancels any run, and says ahead what that comes to', async () => {
    const customer = await active();
    const { id } = assertStatus(await command(customer, 'services', { service_name: 'tv' }), 202).body;
    const isActive = { ...idle, status: 'active', access: 'full' };
    await serviceIs(id, isActive);
    const runAt = async (word: string, body: object, step: string): Promise<string> => {
      assertStatus(await client.post(`${at}/services/${id}/${word}`, body), word === 'terminate' ? 202 : 200);
      return waitsAt((await client.get(`${at}/services/${id}`)).body.open_run_id, step);
    };
    const waitsAt = async (run: string, step: string): Promise<string> => {
      type Steps = { name: string; status: string }[];
      await eventually(
        () => client.get(`${at}/provisioning/${run}`),
        ({ body }) => (body.steps as Steps).some(({ name, status }) => name === step && status === 'waiting'),
      );
      return run;
    };
    const cancelOf = async (run: string) => (await client.get(`${at}/provisioning/${run}/commands`)).body[0];
    const allowed = { command: 'cancel', allowed: true, code: null, reason: null };
    const comesTo = { lifts: [], spares: [], opens: null, keeps: false, by_hand: [] };

    const suspending = await runAt('suspend', { action_type: 'abuse' }, 'boss');
    expect(await cancelOf(suspending)).toEqual({
      ...{ ...allowed, until_step: null },
      comes_to: { ...comesTo, lifts: ['abuse'] },
    });
    assertStatus(await ofRun(suspending, 'cancel'), 200);
    await serviceIs(id, isActive);
    const own = (await client.get(`${at}/services/${id}`)).body;
    expect([own.open_reasons, own.spared_reasons, own.is_kept]).toEqual([[], [], false]);

    const first = await runAt('terminate', {}, 'boss');
    expect(await cancelOf(first)).toEqual({
      ...{ ...allowed, until_step: 'wiped', comes_to: comesTo },
    });
    assertStatus(await ofRun(first, 'cancel'), 200);
    await serviceIs(id, isActive);
    const second = await runAt('terminate', {}, 'boss');
    assertStatus(await ofRun(second, 'decisions', { step: 'boss', decision: 'approve' }), 200);
    await waitsAt(second, 'returned');
    expect((await cancelOf(second)).comes_to.by_hand).toEqual(['wiped']);
    assertStatus(await ofRun(second, 'cancel'), 200);
    await serviceIs(id, { status: 'stuck', open_run_id: second });
    expect((await client.get(`${at}/provisioning/${second}`)).body.message).toContain('Nothing undoes the step wiped.');
    assertStatus(await ofRun(second, 'skip', { note: 'put back by hand' }), 200);
    await serviceIs(id, isActive);
  });

  it('tries a stuck run again, goes on without its step, and says what is true of it', async () => {
    const suspended = { ...idle, status: 'suspended', access: 'suspended' };
    const mended = await stuck();
    isBroken = false;
    expect(assertStatus(await ofRun(mended.run, 'retry', { note: 'it works again' }), 200).body.operation).toBe(
      'suspend',
    );
    await serviceIs(mended.id, suspended);

    const skipped = await stuck();
    expect(assertStatus(await ofRun(skipped.run, 'skip', { note: 'by hand' }), 200).body.id).toBe(skipped.run);
    await serviceIs(skipped.id, suspended);
    expect((await client.get(`${at}/provisioning/${skipped.run}`)).body.steps).toMatchObject([{ status: 'skipped' }]);

    const forced = await stuck();
    const ended = assertStatus(await ofRun(forced.run, 'force', { outcome: 'completed' }), 200).body;
    expect(ended).toMatchObject({ id: forced.run, run_status: 'completed' });
    await serviceIs(forced.id, suspended);
    isBroken = false;
  });

  it('delivers again what was given up, or never, and runs a hook once more', async () => {
    isBroken = true;
    const [one, two] = [await registered(), await registered()];
    const parked = `${at}/parked-deliveries`;
    const of = async (customerId: string): Promise<string> => {
      assertStatus(await command(customerId, 'delete', {}), 200);
      const listed = await eventually(
        () => client.get(`${parked}?customer_id=${customerId}`),
        ({ body }) => body.items.length === 1,
      );
      assertInstants(listed.body.items[0], 'parked_at');
      return listed.body.items[0].id;
    };
    const [first, second] = [await of(one), await of(two)];
    isBroken = false;
    assertStatus(await client.post(`${parked}/${first}/retry`), 200);
    await expect.poll(() => told).toEqual([one]);
    assertStatus(await client.call('DELETE', `${parked}/${second}`), 200);
    expect(assertStatus(await client.get(parked), 200).body.items).toEqual([]);
    assertStatus(await command(two, 'replay', { hook: 'customer.delete' }), 202);
    await expect.poll(() => told).toEqual([one, two]);
  });
});
