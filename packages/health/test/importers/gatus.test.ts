import { describe, expect, it } from 'vitest';
import { fromGatus } from '../../src/index.js';
import { durationMs, wantedOf } from '../../src/importers/gatus-condition.js';
import { gatusConfig } from './samples.js';

const { endpoints, leftBehind } = fromGatus(gatusConfig);
const named = (name: string) => endpoints.find((it) => it.name === name);
const left = (name: string) => leftBehind.filter((it) => it.name === name).map(({ field, reason }) => [field, reason]);

describe('an endpoint of Gatus', () => {
  it('over https takes its request, its conditions and its group along, and credentials as secrets', () => {
    expect(named('front-end')).toEqual({
      name: 'front-end',
      host: 'www.example.com',
      port: 443,
      serviceType: 'https',
      checkInterval: 300,
      timeout: 3,
      retryCount: 4,
      recoveryCount: 3,
      recheckInterval: 300,
      expectedResponseTime: 0.5,
      tags: ['core-team'],
      config: {
        path: '/health?full=1',
        headers: { authorization: '${secrets.authorization}', Accept: 'application/json' },
        status: [200],
        redirects: 0,
        read: true,
        tls: { verify: false },
      },
      secrets: { authorization: 'Bearer abc' },
      conditions: [
        { on: 'body.status', op: 'eq', value: 'UP' },
        { on: 'body.items[0].ready', op: 'in', value: ['true', true] },
        { on: 'body.items.length', op: 'gte', value: 2 },
        { on: 'body.errors', op: 'missing' },
        { on: 'body.name', op: 'like', value: 'john*' },
        { on: 'latency', op: 'lt', value: 0.5 },
        { on: 'certificate.days_left', op: 'gte', value: 2 },
      ],
    });
    expect(left('front-end')).toEqual([
      ['alerts', 'When they speak came along; alert rules say here who is told'],
      ['client.proxy-url', 'There is no equal of it here'],
      ['conditions', '[DOMAIN_EXPIRATION] > 720h: There is no equal of this condition here'],
    ]);
  });

  it.each([
    ['graph', { port: 8080, config: { path: '/graphql', method: 'POST', status: ['100-203', '205-299'] } }],
    ['graph', { config: { body: '{"query":"{ users { id } }"}', headers: { 'content-type': 'application/json' } } }],
    ['redirects', { port: 80, config: { status: ['301-302'], redirects: 3 }, checkInterval: 60, timeout: 10 }],
    ['name server', { host: '8.8.8.8', port: 53, serviceType: 'dns', checkInterval: 30 }],
    ['name server', { config: { name: 'example.com', type: 'A', rcode: 'NOERROR', expect: ['93.184.215.14'] } }],
    ['redis', { host: '127.0.0.1', port: 6379, serviceType: 'tcp', conditions: [] }],
    ['gateway', { host: '10.0.0.1', serviceType: 'icmp' }],
    ['mail', { port: 587, serviceType: 'tls', config: { starttls: 'smtp' } }],
    ['mail', { conditions: [{ on: 'certificate.days_left', op: 'gte', value: 3 }] }],
    ['directory', { host: 'ldaps.example.com', port: 636, serviceType: 'tls' }],
    ['orders', { port: 443, serviceType: 'grpc', config: { secure: true } }],
    ['echo', { port: 443, serviceType: 'websocket', config: { path: '/ws', secure: true, send: 'ping' } }],
    ['orders', { conditions: [] }],
    ['echo', { conditions: [{ on: 'message', op: 'like', value: '*pong*' }] }],
    ['asked', { serviceType: 'tcp', config: { script: [{ send: 'stats\r\n' }] } }],
    ['shell', { port: 22, serviceType: 'ssh' }],
    ['nightly', { checkInterval: 3_600, retryCount: 1 }],
    ['off', { serviceType: 'https', paused: true }],
    ['pushed no more', { serviceType: 'heartbeat', config: { period: 3_600, grace: 1 }, paused: true }],
    ['redirects', { retryCount: 5, recoveryCount: 10, recheckInterval: 60 }],
    ['redis', { retryCount: 3, recoveryCount: 2, recheckInterval: 60 }],
    ['backup', { serviceType: 'heartbeat', config: { period: 1_800, grace: 1_800 }, tags: ['jobs'], retryCount: 1 }],
    ['ticker', { serviceType: 'heartbeat', config: { period: 60, grace: 1 } }],
  ])('becomes one of ours: %s %j', (name, expected) => {
    expect(named(name)).toMatchObject(expected);
  });

  it.each([
    ['gateway', 'conditions', /\[IP\]/],
    ['shell', 'ssh', /logs in/],
    ['clock', null, /no probe for udp/],
    ['nightly', 'interval', /86400 s became 3600 s/],
    ['endpoints[15]', null, /name/],
    ['pushed', null, /no heartbeat\.interval/],
    ['backup', 'token', /says by that whether it failed: GET .*endpoints\/\{id\}\/heartbeat/],
    ['ticker', 'interval', /10 s became 60 s/],
    ['redirects', 'alerts', /over 10 became 10/],
    ['checkout', null, /build on/],
  ])('leaves behind what has no equal, and says why: %s', (name, field, reason) => {
    expect(leftBehind).toContainEqual({ name, field, reason: expect.stringMatching(reason) as string });
    if (field === null) expect(named(name)).toBeUndefined();
  });

  it('may be checked as seldom as the host application allows', () => {
    const wide = fromGatus(gatusConfig, { checkIntervals: { min: 5, max: 86_400 } });
    expect(wide.endpoints.find(({ name }) => name === 'nightly')?.checkInterval).toBe(86_400);
  });

  it('is refused when it is none', () => {
    for (const config of [null, 'endpoints:', 7])
      expect(() => fromGatus(config)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    expect(fromGatus({})).toEqual({ endpoints: [], leftBehind: [] });
  });
});

describe('a condition of Gatus', () => {
  const read = (text: string) => {
    const reasons: string[] = [];
    const wanted = wantedOf([text], 'http', (_, reason) => reasons.push(reason));
    return { wanted, reasons };
  };

  it.each([
    ['[BODY] == pat(*healthy*)', { on: 'body', op: 'like', value: '*healthy*' }],
    ['[BODY].a != pat(b*)', { on: 'body.a', op: 'not_like', value: 'b*' }],
    ['[BODY][0].id == 1', { on: 'body[0].id', op: 'eq', value: 1 }],
    ['[BODY].a == any(x, 2)', { on: 'body.a', op: 'in', value: ['x', 2] }],
    ['[BODY].a != any(x, y)', { on: 'body.a', op: 'not_in', value: ['x', 'y'] }],
    ['200 < [BODY].a', { on: 'body.a', op: 'gt', value: 200 }],
    ['has([BODY].a) == true', { on: 'body.a', op: 'exists' }],
    ['has([BODY].a) != true', { on: 'body.a', op: 'missing' }],
    ['len([BODY]) > 0', { on: 'body.length', op: 'gt', value: 0 }],
    ['[RESPONSE_TIME] <= 1500', { on: 'latency', op: 'lte', value: 1.5 }],
    ['[certificate_expiration] > 36h', { on: 'certificate.days_left', op: 'gte', value: 2 }],
  ])('%s', (text, condition) => {
    expect(read(text)).toMatchObject({ wanted: { conditions: [condition] }, reasons: [] });
  });

  it.each([
    '[STATUS]==200',
    '[IP] == 1.1.1.1',
    '[CONTEXT].a == 1',
    '[BODY].a == pat(a?)',
    '[CONNECTED] == false',
    'len([IP]) > 1',
  ])('stays behind when it has no equal: %s', (text) => {
    const { wanted, reasons } = read(text);
    expect([wanted.conditions, wanted.statuses, reasons.length]).toEqual([[], [], 1]);
  });

  it.each([
    ['[STATUS] == pat(2*)', [200, 299], [199, 300]],
    ['[STATUS] > 199', [200, 599], [199]],
    ['[STATUS] == any(200, 429)', [200, 429], [201]],
    ['200 == [STATUS]', [200], [201]],
  ])('%s allows %j and not %j', (text, allowed, refused) => {
    const [test] = read(text).wanted.statuses;
    expect([allowed.every((it) => test?.(it)), refused.some((it) => test?.(it))]).toEqual([true, false]);
  });

  it.each([
    ['1h30m', 5_400_000],
    ['1.5s', 1_500],
    ['250ms', 250],
    ['42', 42],
    ['soon', undefined],
    ['1h and more', undefined],
  ])('reads the duration %s', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });
});
