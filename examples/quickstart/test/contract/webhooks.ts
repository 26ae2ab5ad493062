import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Suite } from '@dotmac/core/testing';
import { assertInstants, assertProblem, assertStatus, eventually, invalidPaths, type Client } from './client.js';
import { registered } from './customer-lifecycle.js';
import type { ContractSubject } from './subject.js';

const webhooks = '/customer-lifecycle/webhooks';
/** Nobody listens there. */
const nowhere = 'http://127.0.0.1:9/hook';

/** Makes a webhook; its id. */
export async function webhookOf(client: Client, url = nowhere, more: object = {}): Promise<string> {
  return assertStatus(await client.post(webhooks, { name: 'CRM', url, ...more }), 201).body.id;
}

/** The id of a delivery that nobody touches. */
export async function deliveryOf({ client }: ContractSubject): Promise<string> {
  const id = await webhookOf(client, nowhere, { enabled: false });
  await registered(client, { username: 'told', email: 'told@example.com' });
  const log = await eventually(
    () => client.get(`${webhooks}/${id}/deliveries`),
    ({ body }) => body.items.length > 0,
  );
  return log.body.items[0].id;
}

/** A server that counts what it takes. */
async function taking(): Promise<{ url: string; types: string[]; close(): void }> {
  const types: string[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      assert.match(String(request.headers['webhook-signature']), /^v1,/);
      types.push((JSON.parse(text) as { type: string }).type);
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/in`, types, close: () => server.close() };
}

/** Events posted to tenants' URLs. */
export const lifecycleWebhooks: Suite<ContractSubject> = {
  name: 'lifecycle webhooks',
  cases: [
    {
      name: 'makes a webhook, shows its secret once, changes it and removes it',
      async run({ client }) {
        const made = assertStatus(await client.post(webhooks, { name: 'CRM', url: nowhere }), 201);
        assert.match(made.body.secret, /^whsec_/);
        assertInstants(made.body, 'created_at');
        const at = made.headers.get('location') ?? '';
        const { secret: _, ...shown } = made.body;
        assert.deepEqual(assertStatus(await client.get(at), 200).body, shown);
        assert.deepEqual(assertStatus(await client.get(webhooks), 200).body, [shown]);
        const moved = await client.call('PATCH', at, { url: 'http://127.0.0.1:10/hook', events: ['customer.deleted'] });
        assert.match(assertStatus(moved, 200).body.secret, /^whsec_/);
        assertProblem(await client.post(`${at}/test`), 503, 'WEBHOOK_FAILED');
        assertStatus(await client.call('DELETE', at), 200);
        assertProblem(await client.get(at), 404, 'WEBHOOK_NOT_FOUND');
      },
    },
    {
      name: 'refuses where nothing may be sent, and events that there are not',
      async run({ client }) {
        const wrong = await client.post(webhooks, { name: 'x', url: 'http://169.254.169.254/', events: ['no.such'] });
        assertProblem(wrong, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(wrong), ['events.0', 'url']);
      },
    },
    {
      name: 'posts events, logs what became of them, and sends them again',
      async run({ client }) {
        const there = await taking();
        const id = await webhookOf(client, there.url);
        const from = new Date(Date.now() - 60_000).toISOString();
        assert.equal(assertStatus(await client.post(`${webhooks}/${id}/test`), 200).body.delivered, true);
        await registered(client);
        const log = await eventually(
          () => client.get(`${webhooks}/${id}/deliveries?state=delivered`),
          ({ body }) => body.items.length === 1,
        );
        const [delivery] = log.body.items;
        assert.deepEqual([delivery.event_type, delivery.attempts], ['customer.registered', 1]);
        assertInstants(delivery, 'event_at', 'delivered_at');
        const again = await client.post(`/customer-lifecycle/webhook-deliveries/${delivery.id}/replay`);
        assert.equal(assertStatus(again, 200).body.id, delivery.id);
        await eventually(
          () => client.get(`${webhooks}/${id}/deliveries?state=delivered`),
          ({ body }) => body.items.length === 1,
        );
        const to = new Date(Date.now() + 60_000).toISOString();
        const range = await client.post(`${webhooks}/${id}/replay`, { from, to, states: ['delivered'] });
        assert.deepEqual(assertStatus(range, 200).body, { replayed: 1, next_cursor: null });
        await eventually(
          () => client.get(`${webhooks}/${id}/deliveries?state=delivered`),
          () => there.types.length === 4,
        );
        assert.deepEqual(there.types, ['webhook.test', ...Array<string>(3).fill('customer.registered')]);
        there.close();
      },
    },
  ],
};
