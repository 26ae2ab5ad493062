import { describe, expect, it } from 'vitest';
import { decoded, expectNoTraces, parrot, watched } from './support/canary.js';
import { databases } from './support/databases.js';
import { tracesOf } from './support/traces.js';

/** Each in a place of its own, with letters that encodings change. */
const secrets = {
  token: 'canary+token/7f3a=9c~&<é>',
  password: 'canary+password/51bd=~&"x',
  authorization: 'Bearer canary-authorization/2e9f+~',
  'signing key': `whsec_${Buffer.from('canary of a signing key, 32 bytes').toString('base64')}`,
  'bytes of the signing key': 'canary of a signing key, 32 bytes',
  'Slack URL': 'T0/B1/canary-slack-url-88d1',
  'refused text': 'canary-refused-text-03aa',
};

describe('a trace', () => {
  it.each([
    ['as it is', (secret: string) => `x ${secret} y`],
    ['percent-encoded', (secret: string) => `?q=${encodeURIComponent(secret)}`],
    ['in hex', (secret: string) => Buffer.from(`ab${secret}`).toString('hex')],
    ['in base64, after other text', (secret: string) => Buffer.from(`user:${secret}`).toString('base64')],
    ['in base64url', (secret: string) => Buffer.from(`us:${secret}`).toString('base64url')],
    ['in JSON', (secret: string) => JSON.stringify({ secret })],
  ])('is found %s', (_, write) => {
    for (const [name, secret] of Object.entries(secrets))
      expect(tracesOf(secrets, { there: write(secret) })).toContain(`${name} in there`);
    expect(tracesOf(secrets, { there: write('another secret of nobody’s') })).toEqual([]);
  });
});

describe.each(databases)('a secret, on %s,', (_, isAvailable, fresh) => {
  it.skipIf(!isAvailable)(
    'reaches the server that it is for, and no log line, answer, metric, event or row',
    async () => {
      const { port, heard } = await parrot();
      const { ask, answers, lines, events, api, placesAfterStop, ...it } = await watched(fresh);
      const base = '/network-monitoring';
      const http = { host: '127.0.0.1', port, service_type: 'http', check_interval: 5, retry_count: 1 };
      const made = [
        await ask('POST', `${base}/endpoints`, {
          ...{ ...http, name: 'by header', secrets: { token: secrets.token } },
          config: {
            path: '/echo',
            headers: { 'x-token': '${secrets.token}' },
            redirects: 1,
          },
        }),
        await ask('POST', `${base}/endpoints`, {
          ...{ ...http, name: 'by password', secrets: { password: secrets.password } },
          config: { path: '/well', read: true, auth: { username: 'monitor', password: '${secrets.password}' } },
          conditions: [{ on: 'body', op: 'contains', value: 'something else' }],
        }),
      ];
      const key = secrets['signing key'];
      const channels = [
        await ask('POST', `${base}/channels`, {
          ...{ name: 'hook', kind: 'webhook', config: { url: `http://127.0.0.1:${port}/hook` }, group_wait: 0 },
          secrets: { key, authorization: secrets.authorization },
        }),
        await ask('POST', `${base}/channels`, {
          ...{ name: 'chat', kind: 'slack', group_wait: 0 },
          secrets: { url: `http://127.0.0.1:${port}/services/${secrets['Slack URL']}` },
        }),
        await ask('POST', `${base}/channels`, {
          ...{ name: 'gone', kind: 'slack', group_wait: 0 },
          secrets: { url: `http://127.0.0.1:1/services/${secrets['Slack URL']}` },
        }),
      ];
      expect([...made, ...channels].map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
      const channelIds = channels.map(({ body }) => body.id);
      await ask('POST', `${base}/alert-rules`, {
        name: 'all',
        channel_ids: channelIds,
        severities: ['critical', 'offline'],
      });

      // What is refused is not repeated either.
      const refused = secrets['refused text'];
      for (const body of [
        { name: 'x', kind: 'slack', secrets: { url: refused } },
        { name: 'x', kind: 'slack', secrets: { url: `http://a..b/${refused}` } },
        { name: 'x', kind: 'slack', secrets: { url: `ftp://127.0.0.1/${refused}` } },
        { name: 'x', kind: 'slack', secrets: { url: `http://user:${refused}@127.0.0.1/` } },
        { name: 'x', kind: 'slack', secrets: { url: `http://10.0.0.1/${refused}` } },
        { name: 'x', kind: 'slack', secrets: { url: 'http://127.0.0.1/', other: refused } },
        { name: 'x', kind: 'webhook', config: { url: 'http://127.0.0.1/' }, secrets: { key: refused } },
        {
          name: 'x',
          kind: 'webhook',
          config: { url: 'http://127.0.0.1/' },
          secrets: { key, authorization: `é${refused}` },
        },
        {
          name: 'x',
          kind: 'webhook',
          config: { url: 'http://127.0.0.1/' },
          secrets: { key, authorization: [refused] },
        },
        { name: 'x', kind: 'pigeon', secrets: { key: refused } },
      ])
        expect((await ask('POST', `${base}/channels`, body)).status).toBe(422);
      for (const [index, secret] of [{ url: refused }, { url: `http://10.0.0.1/${refused}` }].entries())
        expect((await ask('PATCH', `${base}/channels/${channelIds[1 + index]}`, { secrets: secret })).status).toBe(422);
      for (const given of [
        { ...http, name: 'x', secrets: { token: refused } },
        {
          ...http,
          name: 'x',
          secrets: { token: [refused] },
          config: { headers: { authorization: '${secrets.token}' } },
        },
        { ...http, name: 'x', service_type: 'pigeon', secrets: { token: refused } },
      ])
        expect((await ask('POST', `${base}/endpoints`, given)).status).toBe(422);

      await it.until(async () => (await it.scope.alerts.undelivered()).items.length > 0, 1_000);
      for (const id of channelIds)
        expect((await ask('POST', `${base}/channels/${id}/test`)).status).toBeGreaterThan(399);
      let checked = 0;
      for (const { body } of made) void ask('POST', `${base}/endpoints/${body.id}/check`).then(() => checked++);
      await it.until(() => checked === made.length, 10);
      const incidents = (await it.scope.incidents.list()).items;
      expect(incidents.length).toBeGreaterThan(1);
      for (const { method, path } of api.routes) {
        const id = /channels/.test(path) ? channelIds[0] : /incidents/.test(path) ? incidents[0]?.id : made[0]?.body.id;
        if (method === 'GET') await ask(method, path.replace('{id}', id ?? ''));
      }
      expect(answers.length).toBeGreaterThan(60);
      expect([lines.length > 20, events.length > 5]).toEqual([true, true]);

      // They went where they are for: to the servers that were asked.
      const { 'bytes of the signing key': _, 'signing key': __, 'refused text': ___, ...sent } = secrets;
      expect(tracesOf(sent, { servers: heard.join('\n') + decoded(heard) })).toHaveLength(Object.keys(sent).length);

      expectNoTraces(secrets, await placesAfterStop());
    },
    300_000,
  );
});
