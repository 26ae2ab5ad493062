import { createApi } from '@dotmac/core/http';
import { wireOf } from '@dotmac/core/contract';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { createHealth, endpointSchemas, fromGatus, fromUptimeKuma, memoryHealthStore } from '../../src/index.js';
import { defaultBounds } from '../../src/endpoints/endpoint.js';
import { gatusConfig, kumaBackup } from './samples.js';

const wire = wireOf(endpointSchemas(defaultBounds).input);

it.each([
  ['Gatus', fromGatus(gatusConfig)],
  ['Uptime Kuma', fromUptimeKuma(kumaBackup)],
])('every draft made of %s is taken by the import', async (_, { endpoints }) => {
  const health = createHealth({
    store: memoryHealthStore(),
    monitoring: false,
    secret: 'a secret of more than 32 characters, for tests',
    egress: { allow: ['public', 'loopback', 'private'] },
  });
  const api = createApi(health, {
    authenticate: () => ({ tenantId: 'acme', actorId: 'neo', permissions: ['*'] }),
    verify: true,
  });
  const route = api.routes.find(({ path }) => path.endsWith('/import'));
  const lines = endpoints.map((draft) => `${wire.write(draft as never)}\n`).join('');
  const { body, status } = (await route?.handle({
    method: 'POST',
    path: route.path,
    mountedAt: '',
    params: {},
    query: {},
    headers: { 'content-type': 'application/x-ndjson' },
    remoteAddress: '127.0.0.1',
    body: { stream: Readable.from([Buffer.from(lines)]) },
    signal: new AbortController().signal,
  })) as { body: AsyncIterable<string>; status: number };
  let text = '';
  for await (const chunk of body) text += String(chunk);
  expect(status).toBe(200);
  const answers = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(answers.filter((it) => it.status === 'refused')).toEqual([]);
  expect(answers).toHaveLength(endpoints.length);
});
