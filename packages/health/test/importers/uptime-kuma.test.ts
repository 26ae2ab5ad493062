import { describe, expect, it } from 'vitest';
import { radiusProbe, snmpProbe } from '../../../probes-isp/src/index.js';
import { createHealth, fromUptimeKuma, memoryHealthStore } from '../../src/index.js';
import { kumaBackup } from './samples.js';

const probes = [snmpProbe(), radiusProbe()];
const { endpoints, leftBehind } = fromUptimeKuma(JSON.stringify(kumaBackup), { probes });
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
    ['paused', { serviceType: 'http', paused: true }],
    ['in a paused group', { serviceType: 'http', paused: true }],
    ['one record', { serviceType: 'dns', config: { expect: ['192.0.2.7'] } }],
    ['secure port', { serviceType: 'tls', port: 143, config: { starttls: 'imap' } }],
    ['rows', { serviceType: 'postgres' }],
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

  it('of an agent or of RADIUS goes to the probes that the host has, what is secret as secrets', () => {
    expect(named('switch')).toMatchObject({
      ...{ host: '10.0.0.2', port: 161, serviceType: 'snmp' },
      config: { community: '${secrets.community}', oids: [{ oid: '1.3.6.1.2.1.2.2.1.8.3', name: 'value' }] },
      conditions: [{ on: 'values.value', op: 'eq', value: 1 }],
      secrets: { community: 'hidden-community' },
    });
    expect(named('access')).toMatchObject({
      ...{ host: 'aaa.example.com', port: 1_812, serviceType: 'radius' },
      config: { secret: '${secrets.secret}', auth: { username: 'probe', password: '${secrets.password}' } },
      secrets: { secret: 'hidden-secret', password: 'hidden-password' },
    });
    const without = fromUptimeKuma(kumaBackup).leftBehind.filter(({ name }) => ['switch', 'access'].includes(name));
    expect(without).toEqual([
      { name: 'switch', field: null, reason: expect.stringMatching(/Give snmpProbe\(\)/) as string },
      { name: 'access', field: null, reason: expect.stringMatching(/Give radiusProbe\(\)/) as string },
    ]);
  });

  it.each([
    ['bearer', { auth: { token: '${secrets.token}' } }, { token: 'hidden-token' }],
    ['mutual', { tls: { cert: 'CERT', ca: 'CA', key: '${secrets.key}' } }, { key: 'hidden-key' }],
    ['queues', { path: '/base/api/health/checks/alarms/', status: [200] }, { password: 'hidden-mq' }],
    ['shop database', { auth: { username: 'u', password: '${secrets.password}' } }, { password: 'hidden-mysql' }],
  ])('takes credentials along that version 2 keeps: %s', (name, config, secrets) => {
    expect(named(name)).toMatchObject({ config, secrets });
  });

  it('that is paused is registered, and not checked until it is resumed', async () => {
    const health = createHealth({
      ...{ store: memoryHealthStore(), monitoring: false, probes },
      secret: 'a secret of more than 32 characters, for tests',
      egress: { allow: ['public', 'loopback', 'private'] },
    });
    const { endpoints: registry } = health.scope({ tenantId: 'acme' });
    const answers = await registry.registerMany(endpoints);
    expect(answers.filter(({ status }) => status !== 'created')).toEqual([]);
    const { items } = await registry.list({ paused: true });
    expect(items.map(({ name }) => name)).toEqual(['paused', 'in a paused group']);
    const [{ id, pausedAt } = { id: '', pausedAt: null }] = items;
    expect(pausedAt).not.toBeNull();
    expect(await registry.resume(id)).toMatchObject({ pausedAt: null });
  });

  it.each([
    ['shop', 'expiryNotification', /config\.tls\.days/],
    ['sum', 'jsonPath', /paths/],
    ['zone', 'dns_resolve_server', /Only 1\.1\.1\.1/],
    ['oauth', 'authMethod', /oauth2-cc/],
    ['Customers', null, /tag/],
    ['backup job', 'token', /says by that whether it failed: GET .*heartbeat/],
    ['old switch', null, /SNMPv1/],
    ['new switch', null, /as which user/],
    ['access', 'radiusCalledStationId', /no equal/],
    ['queues', 'rabbitmqNodes', /first/],
    ['wants an alert', null, /expectedTlsAlert/],
    ['many records', 'conditions', /equals/],
    ['rows', 'conditions', /no equal/],
    ['container', null, /target/],
    ['main database', 'databaseQuery', /version/],
    ['billing', null, /connection string/],
    ['orders', null, /grpc\.health/],
    ['must be down', null, /upsideDown/],
    ['kafka', null, /no probe for kafka-producer/],
    ['no address', null, /no URL/],
  ])('leaves behind what has no equal, and says why: %s', (name, field, reason) => {
    expect(leftBehind).toContainEqual({ name, field, reason: expect.stringMatching(reason) as string });
    if (field === null) expect(named(name)).toBeUndefined();
  });

  it('says of every field that is set, but of none that Uptime Kuma writes of itself, what becomes of it', () => {
    const ofItself = { weight: 2_000, pathName: 'x', childrenIDs: [], maintenance: false, description: null };
    const defaults = { resendInterval: 0, notificationIDList: {}, grpcEnableTls: false, oauth_auth_method: 'basic' };
    const set = { notificationIDList: { 4: true }, resendInterval: 3, ipFamily: 'ipv6', cacheBust: true, newer: 'x' };
    const numbers = { maxredirects: 10, packetSize: 5_000, ping_count: 20 };
    const told = (monitor: object) =>
      fromUptimeKuma({ monitorList: [{ name: 'a', ...ofItself, ...defaults, ...monitor }] });
    expect(told({ type: 'ping', hostname: 'gw' }).leftBehind).toEqual([]);
    const ping = told({ type: 'ping', hostname: 'gw', ...set, ...numbers });
    expect(ping.leftBehind.map(({ field }) => field).sort()).toEqual([
      'cacheBust',
      'ipFamily',
      'newer',
      'notificationIDList',
      'packetSize',
      'ping_count',
      'resendInterval',
    ]);
    expect(ping.endpoints).toMatchObject([{ config: { size: 1_400, count: 5 } }]);
    expect(told({ type: 'http', url: 'http://x', ...numbers }).leftBehind).toMatchObject([{ field: 'maxredirects' }]);
  });

  it('stays behind whole where the probe would refuse what it asks', () => {
    const asked = {
      name: 'a',
      type: 'dns',
      hostname: 'x.test',
      dns_resolve_server: '1.1.1.1',
      dns_resolve_type: 'SPF',
    };
    expect(fromUptimeKuma({ monitorList: [asked] })).toEqual({
      endpoints: [],
      leftBehind: [{ name: 'a', field: null, reason: expect.stringMatching(/^type: /) as string }],
    });
  });

  it('is told of without its secrets', () => {
    expect(JSON.stringify(leftBehind)).not.toMatch(/hunter2|trinity|hidden/);
  });

  it('is refused when it is none', () => {
    for (const backup of ['{', '{}', null, { monitorList: 7 }])
      expect(() => fromUptimeKuma(backup)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('may come as the list by id that version 2 has', () => {
    const byId = Object.fromEntries(kumaBackup.monitorList.map((it) => [it.id, it]));
    expect(fromUptimeKuma({ monitorList: byId }, { probes }).endpoints).toEqual(endpoints);
  });
});
