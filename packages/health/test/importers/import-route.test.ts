import { createApi } from '@dotmac/core/http';
import { wireOf } from '@dotmac/core/contract';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { createHealth, endpointSchemas, fromGatus, fromUptimeKuma, memoryHealthStore } from '../../src/index.js';
import { defaultBounds } from '../../src/endpoints/endpoint.js';
import { gatusConfig, kumaBackup } from './samples.js';

const wire = wireOf(endpointSchemas(defaultBounds).input);

/** Sends the chunks of a body to the import's route, as an adapter does; its answer, line by line. */
async function answersTo(chunks: Iterable<Buffer>) {
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
  const { body, status } = (await route?.handle({
    method: 'POST',
    path: route.path,
    mountedAt: '',
    params: {},
    query: {},
    headers: { 'content-type': 'application/x-ndjson' },
    remoteAddress: '127.0.0.1',
    body: { stream: Readable.from(chunks) },
    signal: new AbortController().signal,
  })) as { body: AsyncIterable<string>; status: number };
  let text = '';
  for await (const chunk of body) text += String(chunk);
  expect(status).toBe(200);
  const answers = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { answers, registered: health.scope({ tenantId: 'acme' }).status().totalEndpoints };
}

it.each([
  ['Gatus', fromGatus(gatusConfig)],
  ['Uptime Kuma', fromUptimeKuma(kumaBackup)],
])('every draft made of %s is taken by the import', async (_, { endpoints }) => {
  const lines = endpoints.map((draft) => `${wire.write(draft as never)}\n`).join('');
  const { answers } = await answersTo([Buffer.from(lines)]);
  expect(answers.filter((it) => it.status === 'refused')).toEqual([]);
  expect(answers).toHaveLength(endpoints.length);
});

/** The bytes in pieces that end anywhere, within a character too. */
function* cut(bytes: Buffer, size: number): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

it('ten thousand lines in one request are each answered, in their order, the bad ones among them', async () => {
  const badLines = new Map([
    [1, '{"name": "breaks off'],
    [5_000, JSON.stringify({ name: 'nowhere', service_type: 'https', port: 443, host: 'no host at all' })],
    [9_999, JSON.stringify({ name: 'strange', service_type: 'telepathy' })],
    [10_000, '[]'],
  ]);
  const good = (line: number): string =>
    JSON.stringify({ name: `Büro ${line}`, host: 'gw.example.com', port: 443, service_type: 'https' });
  const lines = Array.from({ length: 10_000 }, (_, index) => badLines.get(index + 1) ?? good(index + 1));
  const { answers, registered } = await answersTo(cut(Buffer.from(`${lines.join('\n')}\n`), 977));
  expect(answers.map(({ line }) => line)).toEqual(lines.map((_, index) => index + 1));
  const refused = answers.filter(({ status }) => status === 'refused').map(({ line }) => line);
  expect(refused).toEqual([...badLines.keys()]);
  expect(registered).toBe(10_000 - badLines.size);
}, 60_000);
