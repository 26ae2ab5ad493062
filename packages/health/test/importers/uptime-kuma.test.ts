import { describe, expect, it } from 'vitest';
import { fromUptimeKuma } from '../../src/index.js';
import { kumaBackup } from './samples.js';

const { endpoints, leftBehind } = fromUptimeKuma(JSON.stringify(kumaBackup));
const named = (name: string) => endpoints.find((it) => it.name === name);

describe('a monitor of Uptime Kuma', () => {
  it('over https takes its request, tags and group along, and credentials as secrets', () => {
    expect(named('shop')).toEqual({
      name: 'shop',
      host: 'shop.example.com',
      port: 443,
      serviceType: 'https',
      checkInterval: 60,
      timeout: 48,
      retryCount: 3,
      recheckInterval: 20,
      expectedResponseTime: 30,
      tags: ['Customers', 'tier:gold-one'],
      config: {
        path: '/login',
        method: 'POST',
        headers: { cookie: '${secrets.cookie}', 'X-From': 'kuma', 'content-type': 'application/json' },
        body: '{"user":"neo"}',
        auth: { username: 'neo', password: '${secrets.password}' },
        status: ['200-299', 401],
        redirects: 3,
        tls: { verify: false },
      },
      secrets: { cookie: 'a=b', password: 'trinity' },
      conditions: [],
    });
  });

  it.each([
    ['says OK', { config: { read: true }, conditions: [{ on: 'body', op: 'contains', value: 'OK' }] }],
    ['no errors', { conditions: [{ on: 'body', op: 'not_contains', value: 'error' }] }],
    ['queue', { conditions: [{ on: 'body.jobs[0].waiting', op: 'lt', value: 10 }] }],
    ['sum', { serviceType: 'http', conditions: [] }],
    ['postgres port', { host: 'db.example.com', port: 5432, serviceType: 'tcp', checkInterval: 20 }],
    ['router', { host: '10.0.0.1', serviceType: 'icmp', config: { size: 56 } }],
    ['zone', { host: '1.1.1.1', port: 53, serviceType: 'dns', config: { name: 'example.com', type: 'MX' } }],
    ['mail', { port: 465, serviceType: 'smtp', config: { secure: true } }],
    ['oauth', { serviceType: 'https' }],
    ['backup job', { serviceType: 'heartbeat', config: { period: 3_600, grace: 120 }, tags: ['Customers'] }],
  ])('becomes one of ours: %s', (name, expected) => {
    expect(named(name)).toMatchObject(expected);
  });

  it('of a database takes its login along, and the password as a secret', () => {
    expect(named('main database')).toMatchObject({
      host: 'db.example.com',
      port: 5432,
      serviceType: 'postgres',
      config: { auth: { username: 'u', password: '${secrets.password}' }, database: 'x', tls: { verify: false } },
      secrets: { password: 'hunter2' },
    });
    expect(named('sessions')).toMatchObject({
      port: 6380,
      serviceType: 'redis_server',
      config: { database: 2, tls: { verify: true } },
      secrets: {},
    });
  });

  it.each([
    ['shop', 'expiryNotification', /config\.tls\.days/],
    ['sum', 'jsonPath', /paths/],
    ['zone', 'dns_resolve_server', /Only 1\.1\.1\.1/],
    ['oauth', 'authMethod', /oauth2-cc/],
    ['Customers', null, /tag/],
    ['backup job', 'token', /heartbeat says which/],
    ['switch', null, /probes-isp/],
    ['container', null, /target/],
    ['main database', 'databaseQuery', /version/],
    ['billing', null, /connection string/],
    ['orders', null, /grpc\.health/],
    ['paused', null, /paused/],
    ['must be down', null, /upsideDown/],
    ['kafka', null, /no probe for kafka-producer/],
    ['no address', null, /no URL/],
  ])('leaves behind what has no equal, and says why: %s', (name, field, reason) => {
    expect(leftBehind).toContainEqual({ name, field, reason: expect.stringMatching(reason) as string });
    if (field === null) expect(named(name)).toBeUndefined();
  });

  it('is told of without its secrets', () => {
    expect(JSON.stringify(leftBehind)).not.toMatch(/hunter2|trinity/);
  });

  it('is refused when it is none', () => {
    for (const backup of ['{', '{}', null, { monitorList: 7 }])
      expect(() => fromUptimeKuma(backup)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('may come as the list by id that version 2 has', () => {
    const byId = Object.fromEntries(kumaBackup.monitorList.map((it) => [it.id, it]));
    expect(fromUptimeKuma({ monitorList: byId }).endpoints).toEqual(endpoints);
  });
});
