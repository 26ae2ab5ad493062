import { createApi } from '@dotmac/core/http';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { radiusProbe, snmpProbe } from '../../../probes-isp/src/index.js';
import {
  createHealth,
  fromGatus,
  fromUptimeKuma,
  memoryHealthStore,
  type HealthOptions,
  type HealthStore,
} from '../../src/index.js';
import { tracesOf } from '../support/traces.js';
import { healthStores } from '../support/stores.js';
import { gatusConfig, kumaBackup } from './samples.js';

interface Answered {
  path: string;
  name: string;
  status: string;
  id: string | null;
  code: string | null;
  errors: { path: string; message: string }[];
  left_behind: { field: string | null; reason: string }[];
  draft: Record<string, unknown> | null;
  secret_names: string[];
}

const import_ = '/network-monitoring/endpoints/import';
const anywhere = { egress: { allow: ['public', 'loopback', 'private'] } } as const;

/** Health behind its routes, as an adapter calls them. */
function served(options: Partial<HealthOptions> = {}) {
  const logged: string[] = [];
  const log = (...said: unknown[]) => void logged.push(JSON.stringify(said));
  const logger = { debug: log, info: log, warn: log, error: log };
  const health = createHealth({
    ...{ store: memoryHealthStore(), monitoring: false, secret: 'a secret of more than 32 characters, for tests' },
    ...options,
  });
  const api = createApi(health, {
    authenticate: () => ({ tenantId: 'acme', actorId: 'neo', permissions: ['*'] }),
    verify: true,
    logger,
  });
  const post = async (path: string, sent: unknown, query: Record<string, string> = {}) => {
    const isLines = typeof sent === 'string';
    const bytes = Buffer.from(isLines ? sent : JSON.stringify(sent));
    const route = api.routes.find((it) => it.method === 'POST' && it.path === path);
    const answer = await route?.handle({
      method: 'POST',
      path,
      mountedAt: '',
      params: {},
      query,
      headers: {
        'content-type': isLines ? 'application/x-ndjson' : 'application/json',
        'content-length': String(bytes.length),
      },
      remoteAddress: '127.0.0.1',
      body: { stream: Readable.from([bytes]) },
      signal: new AbortController().signal,
    });
    let text = '';
    if (typeof answer?.body === 'string') text = answer.body;
    else for await (const chunk of answer?.body as AsyncIterable<string>) text += chunk;
    return { status: answer?.status, text };
  };
  const imported = async (tool: string, sent: unknown, query: Record<string, string> = {}) => {
    const { status, text } = await post(`${import_}/${tool}`, sent, query);
    expect([status, text.slice(0, 300)]).toEqual([200, expect.anything()]);
    return { text, ...(JSON.parse(text) as { counts: Record<string, number>; monitors: Answered[] }) };
  };
  const scope = health.scope({ tenantId: 'acme' });
  return { post, imported, scope, logged, registered: () => scope.status().totalEndpoints };
}

const exports = [
  { tool: 'gatus', sent: gatusConfig, carried: fromGatus(gatusConfig) },
  { tool: 'uptime-kuma', sent: kumaBackup, carried: fromUptimeKuma(kumaBackup) },
];

describe.each(exports)('an import from $tool', ({ tool, sent, carried }) => {
  it('registers what can be, and says of each what became of it, in the order of the export', async () => {
    const { imported, scope, registered } = served(anywhere);
    const { counts, monitors } = await imported(tool, sent);
    const names = carried.endpoints.map(({ name }) => name);
    expect(monitors.filter(({ status }) => status === 'created').map(({ name }) => name)).toEqual(names);
    expect(monitors.flatMap(({ name, left_behind }) => left_behind.map((it) => ({ name, ...it })))).toEqual(
      carried.leftBehind,
    );
    const leftWhole = carried.leftBehind.filter(({ field }) => field === null).length;
    expect(counts).toEqual({ created: names.length, valid: 0, refused: 0, left_behind: leftWhole });
    expect(monitors).toHaveLength(names.length + leftWhole);
    expect(registered()).toBe(names.length);
    for (const { id, name, secret_names } of monitors.filter((it) => it.id !== null)) {
      const found = await scope.endpoints.get(id ?? '');
      expect([found.name, found.secretNames, found.registeredBy]).toEqual([name, secret_names, 'tenant']);
    }
  });

  it('shows in a dry run what it would register, which the import takes as it is, and keeps nothing', async () => {
    const { imported, post, registered } = served(anywhere);
    const { counts, monitors } = await imported(tool, sent, { dry_run: 'true' });
    expect(registered()).toBe(0);
    expect(counts).toMatchObject({ created: 0, valid: carried.endpoints.length, refused: 0 });
    expect(monitors.filter(({ draft }) => draft).every(({ id, status }) => id === null && status === 'valid')).toBe(
      true,
    );
    const drafts = monitors.flatMap(({ draft, secret_names }) => (draft && secret_names.length === 0 ? [draft] : []));
    expect(drafts.length).toBeGreaterThan(3);
    const { text } = await post(import_, drafts.map((it) => JSON.stringify(it)).join('\n'));
    expect(text.match(/"status":"created"/g)).toHaveLength(drafts.length);
  });

  it('names where each stands in the export', async () => {
    const { monitors } = await served(anywhere).imported(tool, sent, { dry_run: 'true' });
    for (const { path, name } of monitors) {
      const [list = '', index = ''] = path.split('.');
      const there = (sent as unknown as Record<string, { name?: string }[]>)[list]?.[Number(index)];
      expect(there?.name ?? `${list}[${index}]`).toBe(name);
    }
  });
});

describe('an import from another product', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ name: `e${at}`, url: 'icmp://192.0.2.1' }));
  it.each([
    ['gatus', {}, 'endpoints'],
    ['gatus', { endpoints: [] }, 'endpoints'],
    ['gatus', { endpoints: 'https://example.com' }, 'endpoints'],
    ['gatus', { 'external-endpoints': { name: 'x' } }, 'external-endpoints'],
    ['gatus', [], ''],
    ['gatus', { endpoints: many(999), suites: many(2) }, 'endpoints'],
    ['gatus', kumaBackup, 'endpoints'],
    ['uptime-kuma', {}, 'monitorList'],
    ['uptime-kuma', { monitorList: [] }, 'monitorList'],
    ['uptime-kuma', { monitorList: 7 }, 'monitorList'],
    ['uptime-kuma', { monitorList: many(1_001) }, 'monitorList'],
    ['uptime-kuma', 7, ''],
    ['uptime-kuma', gatusConfig, 'monitorList'],
  ])('is refused when it is none, by its path, and nothing is registered: %s %#', async (tool, sent, path) => {
    const { post, registered } = served(anywhere);
    const { status, text } = await post(`${import_}/${tool}`, sent);
    const { code, errors } = JSON.parse(text) as { code: string; errors: { path: string }[] };
    expect([status, code, errors.map((it) => it.path)]).toEqual([422, 'INVALID_INPUT', [path]]);
    expect(registered()).toBe(0);
  });

  it('registers for a tenant: within its networks, and as many as it may have', async () => {
    const { imported, registered } = served({
      ...{ maxEndpoints: 2, hostEgress: { allow: ['public', 'private'] } },
    });
    const monitorList = ['10.0.0.1', '192.0.2.1', '169.254.169.254', '198.51.100.7', '203.0.113.9'].map(
      (hostname, index) => ({ id: index, name: hostname, type: 'port', hostname, port: 443 }),
    );
    const expected = [
      ['refused', 'INVALID_INPUT', 'host'],
      ['refused', 'INVALID_INPUT', 'host'],
      ['refused', 'ENDPOINT_LIMIT_REACHED', ''],
    ];
    for (const dry_run of ['true', 'false']) {
      const { monitors } = await imported('uptime-kuma', { monitorList: documentation(monitorList) }, { dry_run });
      const told = monitors.filter(({ status }) => status === 'refused');
      expect(told.map(({ status, code, errors }) => [status, code, errors[0]?.path])).toEqual(expected);
      expect(told.every(({ draft, id }) => draft === null && id === null)).toBe(true);
    }
    expect(registered()).toBe(2);
  });
});

/** Documentation addresses are no tenant's: names in their place. */
const documentation = (monitors: { hostname: string }[]) =>
  monitors.map((it) =>
    /^(?:192\.0\.2|198\.51|203\.0)\./.test(it.hostname)
      ? { ...it, hostname: `host-${it.hostname[1]}.example.com` }
      : it,
  );

describe('what is secret in an export', () => {
  const canary = 'canary+import/7f3a=9c~&x';
  const inUrl = encodeURIComponent(canary);
  const http = { type: 'http', url: 'https://example.com' };
  const kuma = [
    { ...http, url: `https://neo:${inUrl}@example.com` },
    { ...http, url: `https://neo:${canary}@exa mple.com` },
    { ...http, url: `https://neo:%zz${canary}@example.com` },
    { ...http, url: `ftp://neo:${inUrl}@example.com` },
    { ...http, headers: JSON.stringify({ Authorization: canary }) },
    { ...http, headers: JSON.stringify({ Cookie: [canary] }) },
    { ...http, headers: `{"Cookie": "${canary}` },
    { ...http, authMethod: 'basic', basic_auth_user: 'neo', basic_auth_pass: canary },
    { ...http, authMethod: 'bearer', bearer_token: canary },
    { ...http, authMethod: 'mtls', tlsCert: 'no certificate', tlsKey: canary },
    { ...http, authMethod: 'oauth2-cc', oauth_client_secret: canary },
    { ...http, interval: 'often', basic_auth_pass: canary, bearer_token: [canary] },
    { type: 'postgres', databaseConnectionString: `postgres://u:${inUrl}@db.example.com/x` },
    { type: 'postgres', databaseConnectionString: `postgres//u:${canary}@db.example.com/x` },
    { type: 'mysql', databaseConnectionString: `Server=db;Uid=u;Pwd=${canary}` },
    { type: 'mysql', databaseConnectionString: 'mysql://u@db.example.com/x', radiusPassword: canary },
    { type: 'snmp', hostname: '192.0.2.9', snmpOid: '1.3.6.1', radiusPassword: canary },
    { type: 'radius', hostname: 'aaa.example.com', radiusUsername: 'u', radiusPassword: canary, radiusSecret: canary },
    { type: 'rabbitmq', rabbitmqNodes: [`https://x:${inUrl}@mq.example.com`], rabbitmqPassword: canary },
    { type: 'rabbitmq', rabbitmqNodes: [`no url ${canary}`], rabbitmqPassword: canary },
    { type: 'websocket-upgrade', url: `wss//u:${canary}@ws.example.com` },
    { type: 'push', pushToken: canary },
    { type: 'mqtt', mqttPassword: canary },
  ].map((it, index) => ({ id: index, name: `m${index}`, ...it }));
  const gatus = [
    { url: `https://neo:${inUrl}@example.com` },
    { url: `https://neo:${canary}@exa mple.com` },
    { url: `neo:${canary}@example.com` },
    { url: `tcp://neo:${canary}@example.com:7` },
    { url: `tls://neo:${canary}@example.com` },
    { url: `neo:${canary}://example.com` },
    { url: 'https://example.com', headers: { authorization: `Bearer ${canary}` } },
    { url: 'https://example.com', headers: { cookie: [canary] } },
    { url: 'https://example.com', client: { oauth2: { 'client-secret': canary } } },
    { url: 'ssh://example.com:22', ssh: { username: 'u', password: canary } },
    { url: 'wss://example.com', headers: { cookie: canary } },
  ].map((it, index) => ({ name: `g${index}`, conditions: ['[CONNECTED] == true'], ...it }));
  it.each([
    ['uptime-kuma', { monitorList: kuma, notificationList: [{ config: canary }], proxyList: [{ password: canary }] }],
    [
      'gatus',
      {
        endpoints: gatus,
        'external-endpoints': [{ name: 'p', token: canary, heartbeat: { interval: '1h' } }, { token: canary }],
        suites: [{ name: 's', endpoints: [{ url: canary }] }],
        alerting: { slack: { 'webhook-url': canary } },
      },
    ],
  ])('is in no answer and in no log line, be it registered or not: %s', async (tool, sent) => {
    const { imported, scope, logged } = served({ ...anywhere, probes: [snmpProbe(), radiusProbe()] });
    const rehearsed = await imported(tool, sent, { dry_run: 'true' });
    const { text, monitors } = await imported(tool, sent);
    expect(monitors.filter(({ secret_names }) => secret_names.length > 0).length).toBeGreaterThan(2);
    expect(monitors.filter(({ status }) => status === 'left_behind').length).toBeGreaterThan(2);
    const listed = await scope.endpoints.list({ limit: 100 });
    const places = { rehearsed: rehearsed.text, text, listed: JSON.stringify(listed), logged: logged.join('\n') };
    expect(tracesOf({ canary }, places)).toEqual([]);
  });

  it('is refused with its endpoint where there is nothing to seal it with', async () => {
    const { imported } = served({ ...anywhere, secret: undefined });
    const { monitors } = await imported('uptime-kuma', {
      monitorList: [kuma[7], { ...kuma[7], basic_auth_user: null }],
    });
    expect(monitors.map(({ status, errors }) => [status, errors[0]?.path])).toEqual([
      ['refused', 'secrets'],
      ['created', undefined],
    ]);
  });
});

describe('what makes no sense in an export', () => {
  const monitor = { id: 1, name: 'm', type: 'http', url: 'https://example.com' };
  const endpoint = { name: 'g', url: 'https://example.com' };
  it.each([
    ['uptime-kuma', { monitorList: [null, 7, 'x', [], {}] }],
    ['uptime-kuma', { monitorList: [{ ...monitor, headers: `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}` }] }],
    ['uptime-kuma', { monitorList: [{ ...monitor, url: 'https://%zz:%zz@example.com' }] }],
    ['uptime-kuma', { monitorList: { a: monitor, b: { ...monitor, parent: 1, type: 'group' } } }],
    ['gatus', { endpoints: [null, 7, 'x', [], {}], suites: [null, 1] }],
    ['gatus', { endpoints: [{ ...endpoint, interval: `${'1'.repeat(300_000)}x` }] }],
    ['gatus', { endpoints: [{ ...endpoint, conditions: [`[STATUS] == pat(${'*1'.repeat(100_000)})`] }] }],
    ['gatus', { endpoints: [{ ...endpoint, conditions: Array.from({ length: 20_000 }, () => '[STATUS] == 1') }] }],
    [
      'gatus',
      {
        endpoints: [
          { ...endpoint, url: '://' },
          { ...endpoint, url: 'tcp://[::1' },
        ],
      },
    ],
  ])('stays behind, and disturbs nothing: %s %#', async (tool, sent) => {
    const { imported, logged } = served(anywhere);
    const { monitors } = await imported(tool, sent);
    expect(monitors.every(({ status }) => ['created', 'left_behind'].includes(status))).toBe(true);
    expect(logged).toEqual([]);
  });
});

describe.each(healthStores)('an import $title', ({ open }) => {
  const monitorList = Array.from({ length: 1_000 }, (_, index) => ({
    ...{ id: index, name: `host ${index}`, type: 'port', hostname: `h${index}.example.com`, port: 443 },
  }));

  it('registers a thousand at once, or none when the store fails among them', async () => {
    const { subject: store, close } = await open();
    try {
      let inserted = 0;
      const failing: HealthStore = {
        ...store,
        tenant(tenantId) {
          const endpoints = store.tenant(tenantId);
          const insert: typeof endpoints.insert = (endpoint, trx) =>
            ++inserted === 700 ? Promise.reject(new Error('the disk is full')) : endpoints.insert(endpoint, trx);
          return { ...endpoints, insert };
        },
      };
      const { post, imported, scope, registered } = served({ store: failing });
      expect((await post(`${import_}/uptime-kuma`, { monitorList })).status).toBe(500);
      expect(registered()).toBe(0);
      expect((await scope.endpoints.list()).items).toEqual([]);
      const { counts } = await imported('uptime-kuma', { monitorList });
      expect(counts.created).toBe(1_000);
      expect((await scope.endpoints.list({ limit: 1 })).items.map(({ name }) => name)).toEqual(['host 0']);
      expect(registered()).toBe(1_000);
    } finally {
      await close?.();
    }
  }, 120_000);
});
