import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Suite } from '@dotmac/core/testing';
import { assertInstants, assertProblem, assertStatus, eventually, invalidPaths, type Client } from './client.js';
import { incidentOf } from './incidents.js';
import type { ContractSubject } from './subject.js';

const keyBytes = Buffer.alloc(32, 9);
const key = `whsec_${keyBytes.toString('base64')}`;

/** A server that takes what it is sent. */
async function receiver() {
  const received: { headers: IncomingHttpHeaders; text: string }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => (text += part.toString()));
    request.on('end', () => {
      received.push({ headers: request.headers, text });
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`,
    close: () => server.close(),
  };
}

/** A channel that leads to `url`. */
export async function channelOf(client: Client, url = 'http://127.0.0.1:9/in'): Promise<string> {
  const draft = { name: 'noc', kind: 'webhook', config: { url }, secrets: { key }, group_wait: 0 };
  return assertStatus(await client.post('/network-monitoring/channels', draft), 201).body.id;
}

/** A rule for a channel of its own. */
export async function ruleOf(client: Client): Promise<string> {
  const draft = { name: 'all', channel_ids: [await channelOf(client)] };
  return assertStatus(await client.post('/network-monitoring/alert-rules', draft), 201).body.id;
}

/** A window that recurs. */
export async function windowOf(client: Client): Promise<string> {
  const draft = { name: 'nightly', cron: '0 3 * * *', duration: 3_600, time_zone: 'Europe/Berlin' };
  return assertStatus(await client.post('/network-monitoring/maintenance-windows', draft), 201).body.id;
}

/** Who is told of incidents, and when nobody is. */
export const alerts: Suite<ContractSubject> = {
  name: 'alerts',
  cases: [
    {
      name: 'tells a webhook of an incident, signed, and says so in its timeline',
      async run({ client, tenantId }) {
        const hook = await receiver();
        try {
          const channel = await channelOf(client, hook.url);
          const tested = assertStatus(await client.post(`/network-monitoring/channels/${channel}/test`), 200).body;
          assert.equal(tested.delivered, true);
          const draft = { name: 'all', channel_ids: [channel], severities: ['offline', 'critical'] };
          assertStatus(await client.post('/network-monitoring/alert-rules', draft), 201);
          const { id, endpoint_id } = await incidentOf(client);
          const story = await eventually(
            () => client.get(`/network-monitoring/incidents/${id}`),
            ({ body }) => body.timeline.length > 1,
          );
          assert.deepEqual(
            story.body.timeline.map((entry: { kind: string; text: string }) => [entry.kind, entry.text])[1],
            ['told', 'noc'],
          );
          const { headers, text } = hook.received[1] ?? assert.fail('nothing came');
          const message = JSON.parse(text);
          assert.deepEqual([message.type, message.tenant_id, message.channel_id], ['alert', tenantId, channel]);
          const [item] = message.items;
          assert.deepEqual([item.kind, item.incident_id, item.endpoint_id], ['opened', id, endpoint_id]);
          assertInstants(item, 'started_at');
          const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`;
          const expected = createHmac('sha256', keyBytes).update(signed).digest('base64');
          assert.equal(headers['webhook-signature'], `v1,${expected}`);
          const shown = assertStatus(await client.get(`/network-monitoring/channels/${channel}`), 200).body;
          assertInstants(shown, 'last_delivered_at');
          assert.ok(!JSON.stringify(shown).includes(key), 'the key is shown');
          const given = assertStatus(await client.get('/network-monitoring/undelivered-messages'), 200).body;
          assert.deepEqual(given, { items: [], next_cursor: null });
        } finally {
          hook.close();
        }
      },
    },
    {
      name: 'refuses a channel that leads where nothing may be sent, or that lacks what its kind needs',
      async run({ client }) {
        const make = (draft: object) =>
          client.post('/network-monitoring/channels', { name: 'x', kind: 'webhook', ...draft });
        const denied = await make({ config: { url: 'http://169.254.169.254/' }, secrets: { key } });
        assertProblem(denied, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(denied), ['config.url']);
        const bare = await make({ config: { url: 'http://127.0.0.1/' } });
        assertProblem(bare, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(bare), ['secrets.key']);
        const unknown = await make({ kind: 'pigeon' });
        assertProblem(unknown, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(unknown), ['kind']);
        const { items } = assertStatus(await client.get('/network-monitoring/channel-kinds'), 200).body;
        const webhook = items.find((it: { kind: string }) => it.kind === 'webhook');
        assert.ok('url' in webhook.config.properties && 'key' in webhook.secrets.properties);
      },
    },
    {
      name: 'changes rules and channels, and keeps a channel that a rule names',
      async run({ client }) {
        const rule = await ruleOf(client);
        const path = `/network-monitoring/alert-rules/${rule}`;
        const { channel_ids } = assertStatus(await client.get(path), 200).body;
        const channel = `/network-monitoring/channels/${channel_ids[0]}`;
        assertProblem(await client.call('DELETE', channel), 409, 'CHANNEL_IN_USE');
        const refused = await client.call('PATCH', path, { channel_ids: ['0199c0de-0000-7000-8000-000000000000'] });
        assertProblem(refused, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(refused), ['channel_ids.0']);
        const changed = assertStatus(await client.call('PATCH', path, { reminder_interval: 600, tags: ['core'] }), 200);
        assert.deepEqual([changed.body.reminder_interval, changed.body.tags], [600, ['core']]);
        const listed = assertStatus(await client.get('/network-monitoring/alert-rules'), 200).body;
        assert.deepEqual(
          listed.items.map((it: { id: string }) => it.id),
          [rule],
        );
        assertStatus(await client.call('DELETE', path), 200);
        assertStatus(await client.call('PATCH', channel, { enabled: false }), 200);
        assertStatus(await client.call('DELETE', channel), 200);
        assertProblem(await client.get(channel), 404, 'CHANNEL_NOT_FOUND');
        assert.equal(assertStatus(await client.get('/network-monitoring/channels'), 200).body.items.length, 0);
      },
    },
    {
      name: 'makes a window, says when it lasts, and refuses one that never does',
      async run({ client }) {
        const [starts_at, ends_at] = [-60_000, 3_600_000].map((ms) => new Date(Date.now() + ms).toISOString());
        const draft = { name: 'patching', starts_at, ends_at, tags: ['edge'] };
        const made = assertStatus(await client.post('/network-monitoring/maintenance-windows', draft), 201).body;
        assert.deepEqual([made.starts_at, made.active_until, made.next_starts_at], [starts_at, ends_at, null]);
        const path = `/network-monitoring/maintenance-windows/${made.id}`;
        const recurring = { starts_at: null, ends_at: null, cron: '0 3 * * 0', duration: 600, time_zone: 'Asia/Tokyo' };
        const changed = assertStatus(await client.call('PATCH', path, recurring), 200).body;
        assert.equal(new Date(changed.next_starts_at).getUTCHours(), 18);
        const never = await client.call('PATCH', path, { cron: '0 3 30 2 *' });
        assertProblem(never, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(never), ['cron']);
        assertStatus(await client.call('DELETE', path), 200);
        assertProblem(await client.get(path), 404, 'WINDOW_NOT_FOUND');
      },
    },
    {
      name: 'lets an endpoint depend on another, and on itself by no detour',
      async run({ client }) {
        const register = async (name: string, more: object = {}) =>
          client.post('/network-monitoring/endpoints', {
            ...{ name, host: '127.0.0.1', port: 9, service_type: 'tcp' },
            ...more,
          });
        const { id: router } = assertStatus(await register('router'), 201).body;
        const behind = assertStatus(await register('behind', { depends_on: [router] }), 201).body;
        assert.deepEqual(behind.depends_on, [router]);
        const circle = await client.call('PATCH', `/network-monitoring/endpoints/${router}`, {
          depends_on: [behind.id],
        });
        assertProblem(circle, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(circle), ['depends_on']);
        const nobody = await register('x', { depends_on: ['0199c0de-0000-7000-8000-000000000000'] });
        assertProblem(nobody, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(nobody), ['depends_on.0']);
      },
    },
  ],
};
