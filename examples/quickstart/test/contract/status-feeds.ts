import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { assertInstants, assertProblem, assertStatus, invalidPaths, type Client } from './client.js';
import type { ContractSubject } from './subject.js';

const feeds = '/network-monitoring/status-feeds';

/** A feed of all endpoints with a tag. */
export async function statusFeedOf(client: Client): Promise<{ id: string; path: string; badge_path: string }> {
  const draft = { name: 'for customers', title: 'Example <Networks>', tags: ['core'] };
  return assertStatus(await client.post(feeds, draft), 201).body;
}

/** What is shown to the public. */
export const statusFeeds: Suite<ContractSubject> = {
  name: 'status feeds',
  cases: [
    {
      name: 'show states and badges to whoever has the path, for caches too, and tell nothing else',
      async run({ client, anonymous, tenantId }) {
        const endpoint = { name: 'gone', host: '127.0.0.1', port: 1, service_type: 'tcp', tags: ['core'] };
        const { id } = assertStatus(await client.post('/network-monitoring/endpoints', endpoint), 201).body;
        for (let count = 0; count < 3; count++)
          assertStatus(await client.post(`/network-monitoring/endpoints/${id}/check`), 200);
        const { path, badge_path } = await statusFeedOf(client);
        const read = assertStatus(await anonymous.get(path), 200);
        const [shown] = read.body.endpoints;
        assert.deepEqual(
          [read.body.title, read.body.status, shown.name, shown.status, read.body.incidents[0].key],
          ['Example <Networks>', 'offline', 'gone', 'offline', shown.key],
        );
        assertInstants(shown, 'since');
        assert.equal(read.headers.get('cache-control'), 'public, max-age=5');
        assert.equal(read.headers.get('access-control-allow-origin'), '*');
        for (const secret of [id, tenantId, '127.0.0.1', 'core', 'tcp'])
          assert.ok(!JSON.stringify(read.body).includes(secret), secret);

        const badge = assertStatus(await anonymous.get(badge_path), 200);
        assert.equal(badge.headers.get('content-type'), 'image/svg+xml');
        assert.match(String(badge.body), /^<svg [^>]*aria-label="Example &lt;Networks&gt;: offline">/);
        const etag = badge.headers.get('etag') ?? '';
        const again = await anonymous.stream('GET', badge_path, { headers: { 'if-none-match': etag } });
        assert.deepEqual([again.status, await again.text()], [304, '']);
        assert.equal((await anonymous.stream('HEAD', badge_path)).status, 200);
        const one = assertStatus(await anonymous.get(`${badge_path}?show=uptime30d&key=${shown.key}`), 200);
        assert.match(String(one.body), /aria-label="gone 30 d: [^"]+"/);
        assertProblem(await anonymous.get(`${badge_path}?key=${id}`), 404, 'STATUS_NOT_FOUND');
        assertProblem(await anonymous.get(`${badge_path}?show=all`), 422, 'INVALID_INPUT');
      },
    },
    {
      name: 'are read by a token that is told once, and by none that was replaced or made up',
      async run({ client, anonymous }) {
        const refused = await client.post(feeds, { name: 'x', title: 'x' });
        assertProblem(refused, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(refused), ['endpoints']);
        const { id, path } = await statusFeedOf(client);
        const shown = assertStatus(await client.get(`${feeds}/${id}`), 200).body;
        assert.deepEqual([shown.path, shown.token_hash, shown.tenant_id], [undefined, undefined, undefined]);
        assertStatus(await anonymous.get(path), 200);
        const turned = assertStatus(await client.post(`${feeds}/${id}/rotate`), 200).body;
        const old = await anonymous.get(path);
        const made = await anonymous.get('/public/status/made-up');
        for (const answer of [old, made]) assertProblem(answer, 404, 'STATUS_NOT_FOUND');
        assert.equal(old.headers.get('cache-control'), 'no-store');
        assert.deepEqual(Object.keys(old.body).sort(), Object.keys(made.body).sort());
        assert.equal(old.body.detail, made.body.detail);
        assertStatus(await anonymous.get(turned.path), 200);
        const renamed = await client.call('PATCH', `${feeds}/${id}`, { title: 'Renamed' });
        assert.equal(assertStatus(renamed, 200).body.title, 'Renamed');
        assert.equal(assertStatus(await anonymous.get(turned.path), 200).body.title, 'Renamed');
        assert.equal(assertStatus(await client.get(feeds), 200).body.items.length, 1);
        assertStatus(await client.call('DELETE', `${feeds}/${id}`), 200);
        assertProblem(await anonymous.get(turned.path), 404, 'STATUS_NOT_FOUND');
      },
    },
  ],
};
