import { fakeClock } from '@dotmac/core/testing';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHealth, memoryHealthStore } from '../../src/index.js';
import { gateway, acme, paths, quiet, secret } from '../support/quiet.js';

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
