import { systemClock } from '@dotmac/core';
import { sqlite } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  createHealth,
  defineProbe,
  kyselyHealthStore,
  memoryHealthStore,
  type EndpointStatus,
  type HealthOptions,
} from '../src/index.js';
import { linesOf } from '../src/endpoints/import.js';
import { staged } from './support/staged.js';

const acme = { tenantId: 'acme', actor: 'user:1' };
const secret = 'a secret of more than 32 characters, for tests';
const gateway = { name: 'gateway', host: 'gw.example.com', port: 443, serviceType: 'https' };

/** Health that checks nothing; what it logs and tells is noted. */
function quiet(options: Partial<HealthOptions> = {}) {
  const store = memoryHealthStore();
  const health = createHealth({ store, clock: fakeClock(), monitoring: false, secret, ...options });
  return { store, health, endpoints: health.scope(acme).endpoints };
}
const paths = (...expected: string[]) => ({ code: 'INVALID_INPUT', issues: expected.map((path) => ({ path })) });

describe('an endpoint is refused', () => {
  it.each([
    ['a probe that there is not', { serviceType: 'pigeon' }, ['service_type']],
    ['an interval beyond the bounds', { checkInterval: 4 }, ['check_interval']],
    ['no port where there must be one', { port: null }, ['port']],
    ['a port where there is none', { serviceType: 'icmp' }, ['port']],
    ['a host that no name or address is', { host: '999.1.1.1' }, ['host']],
    ['a port in its host', { host: '127.0.0.1:80' }, ['host']],
    ['settings that its probe does not have', { config: { path: 'x', follow: 1 } }, ['config.path', 'config']],
    ['a condition that is none', { conditions: [{ on: 'status', op: 'lt', value: 'x' }] }, ['conditions.0.value']],
    ['a tag that is none', { tags: ['a b'] }, ['tags.0']],
    ['a secret that nothing names', { secrets: { token: 'x' } }, ['secrets.token']],
    ['a name without its secret', { config: { auth: { token: '${secrets.token}' } } }, ['secrets.token']],
    [
      'a secret where a message could show it',
      {
        ...{ serviceType: 'dns', config: { name: 'example.com', expect: ['${secrets.token}'] } },
        secrets: { token: 'hidden' },
      },
      ['config.expect.0'],
    ],
    [
      'a condition on what its probe does not know',
      { conditions: [{ on: 'staus', op: 'eq', value: 1 }] },
      ['conditions.0.on'],
    ],
    [
      'conditions on a body that is not read',
      {
        conditions: [
          ...['body.up', 'size'].map((on) => ({ on, op: 'exists' as const })),
          { on: 'latency', op: 'exists' },
        ],
      },
      ['conditions.0.on', 'conditions.1.on'],
    ],
    ['credentials in the open', { config: { auth: { token: 'abc' } } }, ['config.auth.token']],
    [
      'a header with credentials in the open',
      { config: { headers: { authorization: 'x' } } },
      ['config.headers.authorization'],
    ],
  ])('with %s', async (_, more, expected) => {
    const { endpoints } = quiet();
    const draft = { ...gateway, ...more } as typeof gateway;
    await expect(endpoints.register(draft)).rejects.toMatchObject(paths(...expected));
    expect((await endpoints.list()).items).toEqual([]);
  });

  it('with an interval that the host did not widen, and taken with one that it did', async () => {
    const { endpoints } = quiet({ checkIntervals: { min: 1, max: 2_592_000 } });
    await endpoints.register({ ...gateway, checkInterval: 1 });
    await endpoints.register({ ...gateway, checkInterval: 2_592_000 });
    await expect(endpoints.register({ ...gateway, checkInterval: 0.5 })).rejects.toMatchObject(paths('check_interval'));
  });
});

describe('a secret', () => {
  it.each([
    [
      'https',
      { path: '/t/${secrets.token}', headers: { 'x-token': '${secrets.token}' }, body: '{"t":"${secrets.token}"}' },
    ],
    ['websocket', { path: '/t/${secrets.token}', send: '${secrets.token}' }],
    ['tcp', { script: [{ send: 'AUTH ${secrets.token}', expect: 'OK' }] }],
  ])('can be named in what %s sends', async (serviceType, config) => {
    const { endpoints } = quiet();
    const draft = { ...gateway, serviceType, config, secrets: { token: 'hidden' } };
    expect(await endpoints.register(draft)).toMatchObject({ secretNames: ['token'] });
  });
});

describe('a condition', () => {
  it.each([
    ['https', { read: true }, ['body.up', 'size', 'status', 'headers.server', 'latency']],
    ['websocket', { send: 'x', secure: true }, ['message', 'certificate.days']],
    ['tcp', { tls: {}, script: [{ expect: 'x' }] }, ['line', 'certificate.days']],
  ])('is taken on what %s finds out', async (serviceType, config, names) => {
    const { endpoints } = quiet();
    const conditions = names.map((on) => ({ on, op: 'exists' as const }));
    const draft = { ...gateway, serviceType, config, conditions };
    expect((await endpoints.register(draft)).conditions).toHaveLength(names.length);
    if (serviceType !== 'https') {
      const bare = endpoints.register({ ...draft, config: {} });
      await expect(bare).rejects.toMatchObject(paths('conditions.0.on', 'conditions.1.on'));
    }
  });
});

describe('an endpoint that is named', () => {
  it('is there when it is named anew; what was named before may be gone', async () => {
    const { health, endpoints } = quiet();
    const [router, switch_, foreign] = [
      await endpoints.register({ ...gateway, name: 'router' }),
      await endpoints.register({ ...gateway, name: 'switch' }),
      await health.scope({ tenantId: 'globex', actor: 'user:2' }).endpoints.register(gateway),
    ];
    const { windows } = health.scope(acme);
    const behind = await endpoints.register({ ...gateway, dependsOn: [router.id] });
    const timing = { name: 'patching', startsAt: 0, endsAt: 1_000 };
    const window = await windows.create({ ...timing, endpointIds: [router.id] });
    const strangers = windows.create({ ...timing, endpointIds: [router.id, foreign.id, 'nobody'] });
    await expect(strangers).rejects.toMatchObject(paths('endpoint_ids.1', 'endpoint_ids.2'));

    await endpoints.remove(router.id);
    expect(await endpoints.update(behind.id, { name: 'web' })).toMatchObject({ name: 'web', dependsOn: [router.id] });
    const more = [router.id, switch_.id];
    expect(await endpoints.update(behind.id, { dependsOn: more })).toMatchObject({ dependsOn: more });
    const parents = endpoints.update(behind.id, { dependsOn: [router.id, foreign.id] });
    await expect(parents).rejects.toMatchObject(paths('depends_on.1'));
    expect(await windows.update(window.id, { name: 'later' })).toMatchObject({ name: 'later' });
    expect(await windows.update(window.id, { endpointIds: more })).toMatchObject({ endpointIds: more });
    const others = windows.update(window.id, { endpointIds: [router.id, foreign.id] });
    await expect(others).rejects.toMatchObject(paths('endpoint_ids.1'));
  });
});

describe('changes at the same time', () => {
  it('of an endpoint lose nothing of each other', async () => {
    const { endpoints } = quiet();
    const { id } = await endpoints.register(gateway);
    await Promise.all([
      endpoints.update(id, { name: 'other' }),
      endpoints.update(id, { tags: ['core'] }),
      endpoints.pause(id),
      endpoints.update(id, { checkInterval: 60 }),
    ]);
    const changed = { name: 'other', tags: ['core'], checkInterval: 60, pausedAt: expect.any(Number) as number };
    expect(await endpoints.get(id)).toMatchObject(changed);
    const [removed, late] = await Promise.allSettled([endpoints.remove(id), endpoints.update(id, { name: 'late' })]);
    expect([removed.status, late.status]).toEqual(['fulfilled', 'rejected']);
  });

  it('of an endpoint in two processes lose nothing of each other', async () => {
    const database = sqlite(':memory:');
    onTestFinished(() => database.close());
    for (const store of [memoryHealthStore(), kyselyHealthStore(database)]) {
      const process = async () => {
        const health = createHealth({ store, monitoring: false, secret: 'a secret of thirty-two characters' });
        await health.start();
        onTestFinished(() => health.stop());
        return health.scope(acme).endpoints;
      };
      const [one, other] = [await process(), await process()];
      const { id, updatedAt } = await one.register(gateway);
      const [paused, renamed, resumed] = await Promise.all([
        one.pause(id),
        other.update(id, { name: 'other' }),
        other.resume(id).then(() => one.update(id, { tags: ['core'] })),
      ]);
      const last = await one.get(id);
      expect(last).toMatchObject({ name: 'other', tags: ['core'] });
      // Each has a time of its own, by which the processes tell them apart.
      const times = new Set([updatedAt, paused.updatedAt, renamed.updatedAt, resumed.updatedAt]);
      expect(times.size).toBe(4);
      await Promise.all([one.pause(id), other.update(id, { name: 'third' })]);
      expect(await one.get(id)).toMatchObject({ name: 'third', pausedAt: expect.any(Number) as number });
    }
  });

  it('of a rule, a channel or a window lose nothing of each other', async () => {
    const { health } = quiet();
    const { alerts, channels, windows } = health.scope(acme);
    const hook = { kind: 'slack', secrets: { url: 'https://hooks.example.com/a' } };
    const { id: channelId } = await channels.create({ name: 'one', ...hook });
    const { id: ruleId } = await alerts.create({ name: 'one', channelIds: [channelId] });
    const { id: windowId } = await windows.create({ name: 'one', startsAt: 0, endsAt: 1_000 });
    await Promise.all([
      ...[channels.update(channelId, { name: 'two' }), channels.update(channelId, { groupWait: 5 })],
      ...[alerts.update(ruleId, { name: 'two' }), alerts.update(ruleId, { tags: ['core'] })],
      ...[windows.update(windowId, { name: 'two' }), windows.update(windowId, { tags: ['core'] })],
    ]);
    expect(await channels.get(channelId)).toMatchObject({ name: 'two', groupWait: 5, secretNames: ['url'] });
    expect(await alerts.get(ruleId)).toMatchObject({ name: 'two', tags: ['core'] });
    expect(await windows.get(windowId)).toMatchObject({ name: 'two', tags: ['core'] });
  });
});

describe('endpoints of a status', () => {
  it('are those that are in it now, though that is still being stored', async () => {
    const { scope, register, becomes } = await staged((clock) => {
      const store = memoryHealthStore({ clock });
      return { ...store, settle: async (settlement) => (await systemClock.sleep(50), store.settle(settlement)) };
    });
    const web = await register('web');
    await becomes(web, 'healthy');
    await becomes(web, 'offline');
    const names = async (status: EndpointStatus) => (await scope.endpoints.list({ status })).items.map((it) => it.name);
    expect([await names('offline'), await names('healthy')]).toEqual([['web'], []]);
  });
});

it.each([{ incidents: 0 }, { undelivered: NaN }])('%o of days to keep things are refused', (keptDays) => {
  const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error;
  expect(() => createHealth({ store: memoryHealthStore(), keptDays })).toThrow(refused);
});

it.each([
  { concurrency: { total: 0 } },
  { concurrency: { perTenant: -1 } },
  { keptResults: { recent: 0 } },
  { keptResults: { issues: NaN } },
])('%o is refused: nothing would be checked, or kept', (options) => {
  const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error;
  expect(() => createHealth({ store: memoryHealthStore(), ...options })).toThrow(refused);
});

describe('the bounds of check intervals', () => {
  it.each([{ min: 0.2 }, { max: 2_592_001 }, { min: 60, max: 30 }, { min: NaN }, { max: Infinity }])(
    'cannot be %o',
    (checkIntervals) => {
      expect(() => createHealth({ store: memoryHealthStore(), checkIntervals })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
    },
  );
});

describe('an endpoint without a port', () => {
  it('is taken by its address, unless that is denied', async () => {
    const { endpoints } = quiet();
    const ping = { name: 'gateway', serviceType: 'icmp' };
    expect(await endpoints.register({ ...ping, host: '1.1.1.1' })).toMatchObject({ host: '1.1.1.1', port: null });
    await expect(endpoints.register({ ...ping, host: '127.0.0.1' })).rejects.toMatchObject(paths('host'));
  });
});

describe('changing an endpoint', () => {
  it('changes what is given, and leaves the rest', async () => {
    const { endpoints } = quiet();
    const before = await endpoints.register({ ...gateway, tags: ['core'], retryCount: 5, config: { path: '/a' } });
    const after = await endpoints.update(before.id, { name: 'other', tags: ['edge', 'edge'], checkInterval: 60 });
    expect(after).toEqual({ ...before, name: 'other', tags: ['edge'], checkInterval: 60, updatedAt: after.updatedAt });
    expect(await endpoints.get(before.id)).toEqual(after);
    await endpoints.update(before.id, {});
    expect(await endpoints.get(before.id)).toMatchObject({ name: 'other', config: { path: '/a' } });
  });

  it('refuses what would not be taken as a whole, and changes nothing then', async () => {
    const { endpoints } = quiet();
    const before = await endpoints.register({ ...gateway, config: { path: '/a' } });
    await expect(endpoints.update(before.id, { serviceType: 'tcp' })).rejects.toMatchObject(paths('config'));
    await expect(endpoints.update(before.id, { port: null })).rejects.toMatchObject(paths('port'));
    await expect(endpoints.update(before.id, { host: '10.0.0.1' })).rejects.toMatchObject(paths('host'));
    await expect(endpoints.update('nobody', { name: 'x' })).rejects.toMatchObject({ code: 'ENDPOINT_NOT_FOUND' });
    const theirs = quiet().health.scope({ tenantId: 'globex' }).endpoints;
    await expect(theirs.update(before.id, { name: 'x' })).rejects.toMatchObject({ code: 'ENDPOINT_NOT_FOUND' });
    expect(await endpoints.get(before.id)).toEqual(before);
  });
});

describe('a secret', () => {
  const config = { auth: { username: 'monitor', password: '${secrets.password}' } };
  const secrets = { password: 'hunter2' };

  it('is shown by its name alone, and kept sealed', async () => {
    const { endpoints, store, health } = quiet();
    const told: unknown[] = [];
    health.events.onAny((event) => void told.push(event));
    const shown = await endpoints.register({ ...gateway, config, secrets });
    expect(shown).toMatchObject({ secretNames: ['password'], config });
    const kept = await store.tenant('acme').get(shown.id);
    expect(Object.keys(kept?.endpoint.secrets ?? {})).toEqual(['password']);
    expect(JSON.stringify([shown, kept, told, await endpoints.list()])).not.toContain('hunter2');
  });

  it('needs a secret of the host to be sealed with', async () => {
    const health = createHealth({ store: memoryHealthStore(), clock: fakeClock(), monitoring: false });
    const { endpoints } = health.scope(acme);
    await expect(endpoints.register({ ...gateway, config, secrets })).rejects.toMatchObject(paths('secrets'));
  });

  it.each([
    ['host', { host: 'rogue.example.com' }],
    ['port', { port: 8_443 }],
    ['user', { config: { auth: { username: 'root', password: '${secrets.password}' } } }],
    ['probe', { serviceType: 'http', port: 443 }],
    ['peer that nobody verifies', { config: { ...config, tls: { verify: false } } }],
    ['name behind the same address', { config: { ...config, headers: { Host: 'rogue.example.com' } } }],
  ])('does not go along to another %s', async (_, changes) => {
    const { endpoints } = quiet();
    const { id } = await endpoints.register({ ...gateway, config, secrets });
    await expect(endpoints.update(id, changes)).rejects.toMatchObject(paths('secrets.password'));
    expect(await endpoints.update(id, { ...changes, secrets: { password: 'another' } })).toMatchObject({
      secretNames: ['password'],
    });
  });

  const send = '${secrets.password}';
  const script = [{ send, expect: 'OK' }];
  const auth = { username: 'monitor', password: '${secrets.password}' };
  it.each([
    ['without TLS', 'postgres', { auth, tls: {} }, { auth }],
    ['by another authority', 'postgres', { auth, tls: {} }, { auth, tls: { ca: 'mine' } }],
    ['no more by an authority of one’s own', 'postgres', { auth, tls: { ca: 'ours' } }, { auth, tls: {} }],
    ['as somebody else', 'https', { auth }, { auth, tls: { servername: 'rogue.example.com' } }],
    ['no more, in the open', 'websocket', { secure: true, send }, { send }],
    ['without an upgrade to TLS', 'tcp', { starttls: 'smtp', script }, { script }],
  ] as const)('does not go along to a peer that is verified %s', async (_, serviceType, verified, less) => {
    const { endpoints } = quiet();
    const { id } = await endpoints.register({ ...gateway, serviceType, config: verified, secrets });
    await expect(endpoints.update(id, { config: less })).rejects.toMatchObject(paths('secrets.password'));
    expect(await endpoints.update(id, { config: less, secrets: { password: 'another' } })).toMatchObject({
      secretNames: ['password'],
    });
  });

  it.each([
    ['more', 'postgres', { auth }, { auth, tls: { ca: 'ours' } }],
    ['the same, with fewer days to be worried about', 'https', { auth, tls: { days: 14 } }, { auth }],
  ] as const)('goes along to a peer that is verified %s', async (_, serviceType, before, after) => {
    const { endpoints } = quiet();
    const { id } = await endpoints.register({ ...gateway, serviceType, config: before, secrets });
    expect(await endpoints.update(id, { config: after })).toMatchObject({ secretNames: ['password'] });
  });

  it('stays with other changes, and can be replaced and removed', async () => {
    const { endpoints, store } = quiet();
    const { id } = await endpoints.register({ ...gateway, config, secrets });
    const sealed = async () => (await store.tenant('acme').get(id))?.endpoint.secrets['password'];
    const first = await sealed();
    await endpoints.update(id, { name: 'other', checkInterval: 60 });
    expect(await sealed()).toBe(first);
    await endpoints.update(id, { secrets: { password: 'new' } });
    expect(await sealed()).not.toBe(first);
    expect(await endpoints.update(id, { config: {}, secrets: { password: null } })).toMatchObject({ secretNames: [] });
  });

  it('reaches the server that it is for, and no result of the check', async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer((request: IncomingMessage, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(500, { 'x-echo': request.headers.authorization }).end(request.headers.authorization);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const lines: unknown[] = [];
    const write = (...line: unknown[]): void => void lines.push(line);
    const logger = { debug: write, info: write, warn: write, error: write };
    const health = createHealth({ store: memoryHealthStore(), egress: { allow: ['loopback'] }, secret, logger });
    onTestFinished(() => health.stop());
    await health.start();
    const { endpoints, history } = health.scope(acme);
    const settings = { headers: { authorization: 'Token ${secrets.token}' }, read: true };
    const { id } = await endpoints.register({
      ...{ name: 'api', host: '127.0.0.1', port, serviceType: 'http', retryCount: 1 },
      config: settings,
      secrets: { token: 'canary-7f3a' },
    });
    const result = await endpoints.check(id);
    expect(result).toMatchObject({ status: 'critical', message: 'Answered HTTP 500' });
    expect(seen[0]).toBe('Token canary-7f3a');
    const shown = [
      result,
      await endpoints.get(id),
      await history.results(id),
      await history.trend(id),
      health.scope(acme).summary(),
      lines,
    ];
    for (const encoding of ['utf8', 'base64', 'hex', 'base64url'] as const)
      expect(JSON.stringify(shown)).not.toContain(Buffer.from('canary-7f3a').toString(encoding));
  });
});

describe('an endpoint that is paused', () => {
  it('from the beginning is not checked before it is resumed', async () => {
    const { clock, register, scope, probed, until } = await staged((it) => memoryHealthStore({ clock: it }));
    const { id, pausedAt, lastStatus } = await register('web', { paused: true });
    expect([pausedAt, lastStatus]).toEqual([clock.now(), 'unknown']);
    await scope.endpoints.registerMany([
      { name: 'mail', serviceType: 'played', config: { name: 'mail' }, paused: true },
      { name: 'shop', serviceType: 'played', config: { name: 'shop' }, checkInterval: 5 },
    ]);
    await clock.advance(60_000);
    expect(new Set(probed)).toEqual(new Set(['shop']));
    await expect(scope.endpoints.check(id)).rejects.toMatchObject({ code: 'ENDPOINT_PAUSED' });
    expect(await scope.endpoints.update(id, { name: 'www' })).toMatchObject({ name: 'www', pausedAt });
    await scope.endpoints.resume(id);
    await until(() => probed.includes('web'));
  });

  it('is unknown until it is resumed, and is not checked on request', async () => {
    const { endpoints, health } = quiet();
    const { id } = await endpoints.register(gateway);
    expect(await endpoints.pause(id)).toMatchObject({ pausedAt: expect.any(Number) as number, lastStatus: 'unknown' });
    await expect(endpoints.check(id)).rejects.toMatchObject({ code: 'ENDPOINT_PAUSED' });
    const again = await endpoints.pause(id);
    expect(again.pausedAt).toBe((await endpoints.get(id)).pausedAt);
    expect(health.scope(acme).summary().details[0]?.message).toBe('Paused');
    expect((await endpoints.resume(id)).pausedAt).toBeNull();
  });
});

describe('the limit of a tenant’s endpoints', () => {
  const draft = (name: string) => ({ name, host: 'gw.example.com', port: 443, serviceType: 'https' as const });
  const stores = [
    ['in memory', () => memoryHealthStore()],
    [
      'on SQLite',
      () => {
        const database = sqlite(':memory:');
        onTestFinished(() => database.close());
        return kyselyHealthStore(database);
      },
    ],
  ] as const;

  it.each(stores)('is not passed by many at once, %s', async (_, makeStore) => {
    const health = createHealth({ store: makeStore(), clock: fakeClock(), monitoring: false, maxEndpoints: 7 });
    await health.start();
    onTestFinished(() => health.stop());
    const of = (tenantId: string) => health.scope({ tenantId, actor: 'user:1' }).endpoints;
    const one = (name: string) =>
      of('acme')
        .register(draft(name))
        .then(() => 'created')
        .catch(({ code }: { code: string }) => code);
    const many = async (name: string) =>
      (await of('acme').registerMany([draft(name), draft(name), draft(name)])).map(
        ({ status, code }) => code ?? status,
      );
    const racing = Array.from({ length: 20 }, (_, index) => [one(`a${index}`), many(`b${index}`)]).flat();
    const other = of('globex').register(draft('other'));
    const outcomes = (await Promise.all(racing)).flat();
    expect(outcomes.filter((it) => it === 'created')).toHaveLength(7);
    expect(new Set(outcomes)).toEqual(new Set(['created', 'ENDPOINT_LIMIT_REACHED']));
    expect((await of('acme').list({ limit: 100 })).items).toHaveLength(7);
    await other;
    const [first] = (await of('acme').list()).items;
    await of('acme').remove(first?.id ?? '');
    expect([await one('again'), await one('too many')]).toEqual(['created', 'ENDPOINT_LIMIT_REACHED']);
  });

  it('counts neither what could not be stored nor what was tried dry', async () => {
    const store = memoryHealthStore();
    let isBroken = true;
    const transaction: typeof store.transaction = (work, join) =>
      isBroken ? Promise.reject(new Error('The store is away')) : store.transaction(work, join);
    const health = createHealth({ store: { ...store, transaction }, monitoring: false, maxEndpoints: 1 });
    const { endpoints } = health.scope({ tenantId: 'acme', actor: 'user:1' });
    await expect(endpoints.register(draft('one'))).rejects.toThrow('away');
    await expect(endpoints.registerMany([draft('one')])).rejects.toThrow('away');
    isBroken = false;
    for await (const { status } of endpoints.import(linesOf([draft('one')]), { dryRun: true }))
      expect(status).toBe('valid');
    expect((await endpoints.register(draft('one'))).name).toBe('one');
  });
});

describe('a list', () => {
  it('is of those that have a tag, a probe, a status, or are paused', async () => {
    const { endpoints } = quiet();
    const [one, two] = [
      await endpoints.register({ ...gateway, tags: ['core'] }),
      await endpoints.register({ ...gateway, serviceType: 'tcp' }),
    ];
    await endpoints.pause(two.id);
    const ids = async (filter: Parameters<typeof endpoints.list>[0]) =>
      (await endpoints.list(filter)).items.map(({ id }) => id);
    expect(await ids({ tag: 'core' })).toEqual([one.id]);
    expect(await ids({ serviceType: 'tcp' })).toEqual([two.id]);
    expect(await ids({ paused: false })).toEqual([one.id]);
    expect(await ids({ status: 'healthy' })).toEqual([]);
    expect(await ids({ status: 'unknown' })).toEqual([one.id, two.id]);
  });

  it('by a status has an endpoint by what it is after it was paused, resumed or pointed elsewhere, here or there', async () => {
    const database = sqlite(':memory:');
    onTestFinished(() => database.close());
    const { clock, store, scope, register, becomes, until } = await staged((it) =>
      kyselyHealthStore(database, { clock: it }),
    );
    const other = createHealth({ store, clock, monitoring: false });
    await other.start();
    onTestFinished(() => other.stop());
    const lists = async (status: EndpointStatus) => {
      const listed = [scope, other.scope(acme)].map((from) => from.endpoints.list({ status }));
      return (await Promise.all(listed)).map(({ items }) => items.map(({ name }) => name));
    };
    for (const at of [scope, other.scope(acme)]) {
      const web = await register('web');
      await becomes(web, 'offline');
      expect(await lists('offline')).toEqual([['web'], ['web']]);
      await at.endpoints.pause(web.id);
      expect([await lists('offline'), await lists('unknown')]).toEqual([
        [[], []],
        [['web'], ['web']],
      ]);
      // What was found out before it was known here that it is paused changes nothing of that.
      await until(async () => (await scope.endpoints.get(web.id)).lastStatus === 'unknown');
      await clock.advance(65_000);
      expect(await lists('unknown')).toEqual([['web'], ['web']]);
      await at.endpoints.resume(web.id);
      expect(await lists('unknown')).toEqual([['web'], ['web']]);
      await becomes(web, 'offline');
      await at.endpoints.update(web.id, { serviceType: 'tcp', host: 'gw.example.com', port: 1, config: {} });
      expect(await lists('unknown')).toEqual([['web'], ['web']]);
      await scope.endpoints.remove(web.id);
    }
  });
});

describe('a probe of the host’s own', () => {
  const depth = defineProbe({
    serviceType: 'queue_depth',
    summary: 'Counts waiting jobs',
    addressing: 'none',
    config: z.strictObject({ queue: z.enum(['mail', 'broken']) }),
    facts: ['waiting'],
    run: ({ config }) =>
      config.queue === 'broken'
        ? Promise.reject(new Error('postgres://user:hunter2@db'))
        : Promise.resolve({ responseTimeMs: 1, message: '7 jobs wait', facts: { waiting: 7 } }),
  });

  it('checks endpoints that name it, typed by its configuration, and is in the catalogue', async () => {
    const health = createHealth({ store: memoryHealthStore(), probes: [depth] });
    onTestFinished(() => health.stop());
    await health.start();
    const { endpoints, probes, isUp } = health.scope(acme);
    const draft = { name: 'mail queue', serviceType: 'queue_depth', retryCount: 1 };
    await expect(endpoints.register({ ...draft, config: { queue: 'fax' } })).rejects.toMatchObject(
      paths('config.queue'),
    );
    const { id } = await endpoints.register({ ...draft, config: { queue: 'mail' } });
    expect(await endpoints.check(id)).toMatchObject({ status: 'healthy', message: '7 jobs wait' });
    expect([isUp(id), isUp('nobody'), health.scope({ tenantId: 'globex' }).isUp(id)]).toEqual([true, false, false]);
    const conditions = [{ on: 'waiting', op: 'lt' as const, value: 5, severity: 'degraded' as const }];
    await endpoints.update(id, { conditions });
    expect(await endpoints.check(id)).toMatchObject({ status: 'degraded' });
    await endpoints.update(id, { config: { queue: 'broken' }, conditions: [] });
    expect(await endpoints.check(id)).toMatchObject({ status: 'unknown', message: 'The check itself failed' });
    expect(probes().items.find((it) => it.serviceType === 'queue_depth')).toMatchObject({
      addressing: 'none',
      facts: ['waiting'],
      config: { type: 'object', required: ['queue'] },
    });
  });

  it('must have a name that is free', () => {
    const store = memoryHealthStore();
    for (const serviceType of ['tcp', 'Queue', ''])
      expect(() => createHealth({ store, probes: [{ ...depth, serviceType }] })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
  });
});

describe('an endpoint that the host registers', () => {
  const egress = { hostEgress: { allow: ['loopback'] } };
  const own = { name: 'own', host: '127.0.0.1', serviceType: 'tcp', retryCount: 1 };
  async function listening() {
    const server = createTcpServer((socket) => void socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return (server.address() as AddressInfo).port;
  }

  it('may lie where tenants’ may not, and theirs not where it may', async () => {
    const health = createHealth({ store: memoryHealthStore(), ...egress });
    onTestFinished(() => health.stop());
    await health.start();
    const { endpoints } = health.scope(acme);
    const draft = { ...own, port: await listening() };
    await expect(endpoints.register(draft)).rejects.toMatchObject(paths('host'));
    const elsewhere = { ...own, host: '8.8.8.8', port: 53 };
    await expect(endpoints.register(elsewhere, { asHost: true })).rejects.toMatchObject(paths('host'));
    await endpoints.register(elsewhere);
    const { id, registeredBy } = await endpoints.register(draft, { asHost: true });
    expect(registeredBy).toBe('host');
    expect(await endpoints.check(id)).toMatchObject({ status: 'healthy' });
    const many = [draft, draft];
    const told = async (options?: { asHost: boolean }) =>
      (await endpoints.registerMany(many, options)).map(({ status }) => status);
    expect([await told(), await told({ asHost: true })]).toEqual([
      ['refused', 'refused'],
      ['created', 'created'],
    ]);
  });

  it('is a tenant’s once a tenant says what is asked of it, or where', async () => {
    const { endpoints } = quiet(egress);
    const { id } = await endpoints.register({ ...own, port: 4_000 }, { asHost: true });
    const renamed = await endpoints.update(id, { name: 'still the host’s', checkInterval: 60, tags: ['core'] });
    expect(renamed).toMatchObject({ name: 'still the host’s', registeredBy: 'host' });
    // Who may guess at an answer as often as they like can spell it out.
    const guess = { conditions: [{ on: 'latency', op: 'gt' as const, value: 3 }] };
    for (const changes of [{ port: 22 }, { config: { script: [{ send: 'quit' }] } }, { host: '127.0.0.2' }, guess])
      await expect(endpoints.update(id, changes)).rejects.toMatchObject(paths('host'));
    expect(await endpoints.get(id)).toMatchObject({ host: '127.0.0.1', port: 4_000, registeredBy: 'host' });
    expect(await endpoints.update(id, { port: 22 }, { asHost: true })).toMatchObject({ registeredBy: 'host' });
    const moved = await endpoints.update(id, { host: 'gw.example.com', port: 443 });
    expect(moved.registeredBy).toBe('tenant');
    expect((await endpoints.update(id, { name: 'again' }, { asHost: true })).registeredBy).toBe('host');
  });

  it('is sent no secret of a tenant’s', async () => {
    const heard: string[] = [];
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (said: Buffer) => {
        heard.push(said.toString());
        socket.end('OK\r\n');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const secret = 'a secret of thirty-two characters';
    const health = createHealth({ store: memoryHealthStore(), secret, ...egress });
    onTestFinished(() => health.stop());
    await health.start();
    const { endpoints } = health.scope(acme);
    const config = { script: [{ send: 'AUTH ${secrets.token}\r\n', expect: 'OK' }] };
    const { id } = await endpoints.register({ ...own, port, config, secrets: { token: 'one' } }, { asHost: true });
    const smuggled = endpoints.update(id, { secrets: { token: 'x\r\nFLUSHALL' } });
    await expect(smuggled).rejects.toMatchObject(paths('host'));
    await endpoints.check(id);
    const rotated = await endpoints.update(id, { secrets: { token: 'two' } }, { asHost: true });
    expect(rotated.registeredBy).toBe('host');
    expect(await endpoints.check(id)).toMatchObject({ status: 'healthy' });
    expect(new Set(heard)).toEqual(new Set(['AUTH one\r\n', 'AUTH two\r\n']));
  });

  it('is still the host’s after a restart', async () => {
    const database = sqlite(':memory:');
    onTestFinished(() => database.close());
    const store = kyselyHealthStore(database);
    const first = createHealth({ store, monitoring: false, ...egress });
    await first.start();
    const port = await listening();
    const { id } = await first.scope(acme).endpoints.register({ ...own, port }, { asHost: true });
    await first.stop();
    const second = createHealth({ store, ...egress });
    onTestFinished(() => second.stop());
    await second.start();
    expect(await second.scope(acme).endpoints.check(id)).toMatchObject({ status: 'healthy' });
    expect(await second.scope(acme).endpoints.get(id)).toMatchObject({ registeredBy: 'host' });
  });
});

describe('retention', () => {
  it('that keeps the fine longer than the coarse is refused', () => {
    const store = memoryHealthStore();
    for (const retentionDays of [{ minute: 0 }, { hour: 1 }, { day: 1 }, { minute: 50 }])
      expect(() => createHealth({ store, retentionDays })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
  });

  it('is not checked on request by a process that checks nothing', async () => {
    const health = createHealth({ store: memoryHealthStore(), clock: fakeClock(), monitoring: false });
    await health.start();
    onTestFinished(() => health.stop());
    const { endpoints } = health.scope({ tenantId: 'acme' });
    const { id } = await endpoints.register({ name: 'gw', host: 'gw.example.com', port: 443, serviceType: 'tcp' });
    await expect(endpoints.check(id)).rejects.toMatchObject({ code: 'ENDPOINT_NOT_CHECKED' });
  });
});
