import { createConnector } from '@dotmac/core/net';
import { describe, expect, it } from 'vitest';
import { closedPort } from '../../../../test/support/ports.js';
import { connectorKnowing, inSteps, probed, type Probing } from '../../../health/test/support/probing.js';
import { radiusProbe } from '../../src/index.js';
import { codes } from '../../src/radius/packet.js';
import { answerTo } from '../support/radius-answer.js';
import { udpServer } from '../support/udp-server.js';

const nemo = { username: 'nemo', password: 'arctangent' };
const radius = ({ config, ...probing }: Probing) =>
  probed(radiusProbe(), { ...probing, config: { secret: 'xyzzy5461', auth: nemo, ...config } });
const silent = { status: 'offline', code: 'timeout', responseTimeMs: null, message: 'No answer in time' };
const unverified = {
  status: 'critical',
  code: 'answer_unverified',
  responseTimeMs: null,
  message: 'The shared secret does not verify the answer',
};

describe('what is no answer is passed over', () => {
  const passedOver: [string, (request: Buffer) => Buffer, object][] = [
    ['nothing at all', () => Buffer.alloc(0), silent],
    ['garbage', () => Buffer.from('garbage that is longer than a header is'), silent],
    [
      'a datagram as long as there can be',
      (request) => Buffer.concat([answerTo(request).subarray(0, 2), Buffer.alloc(65_000, 0xff)]),
      silent,
    ],
    ['the request itself', (request) => request, silent],
    ['another identifier', (request) => answerTo(request, { identifier: ((request[1] ?? 0) + 1) & 0xff }), silent],
    ['a packet that breaks off', (request) => answerTo(request).subarray(0, -1), silent],
    ['an answer to accounting', (request) => answerTo(request, { code: codes.accountingResponse }), silent],
    ['an answer by another secret', (request) => answerTo(request, { secret: 'other' }), unverified],
    [
      'an answer to another request',
      (request) => answerTo(Buffer.concat([request.subarray(0, 4), Buffer.alloc(16)])),
      unverified,
    ],
  ];
  it.each(passedOver)('%s', async (_, bad, alone) => {
    const { port } = await udpServer((request) => [bad(request), answerTo(request)]);
    expect(await radius({ port })).toMatchObject({ status: 'healthy' });
    const only = await udpServer(bad);
    expect(await inSteps((clock) => radius({ port: only.port, timeoutMs: 300, clock }))).toEqual(alone);
  });

  it('a thousand of them, in time', async () => {
    const { port } = await udpServer((request) => Array<Buffer>(1_000).fill(answerTo(request, { secret: 'other' })));
    const before = process.cpuUsage();
    expect(await inSteps((clock) => radius({ port, timeoutMs: 900, clock }))).toEqual(unverified);
    // Of this process's own time, in microseconds.
    expect(process.cpuUsage(before).user).toBeLessThan(3_000_000);
  });
});

describe('a request', () => {
  it('is sent again as it was, until it is answered', async () => {
    const { port, heard } = await udpServer((request, count) => (count === 1 ? undefined : answerTo(request)));
    const result = await radius({ port });
    expect(result).toMatchObject({ status: 'healthy' });
    expect(result.responseTimeMs).toBeGreaterThan(900);
    expect(heard).toHaveLength(2);
    expect(heard[1]).toEqual(heard[0]);
  });

  it('is another one in each check, and begins with its signature', async () => {
    const { port, heard } = await udpServer((request) => answerTo(request));
    for (let time = 0; time < 5; time++) await radius({ port, config: { nas: 'monitor' } });
    expect(new Set(heard.map((request) => request.toString('hex', 4, 20))).size).toBe(5);
    for (const request of heard) {
      expect(request.subarray(20, 22)).toEqual(Buffer.from([80, 18]));
      expect(request.toString('latin1')).toContain('monitor');
      expect(request.toString('latin1')).not.toContain('arctangent');
    }
  });

  it('is given up when nobody answers, and refused where nobody listens', async () => {
    const blackHole = await udpServer(() => undefined);
    expect(await radius({ port: blackHole.port, timeoutMs: 100 })).toEqual(silent);
    const message = 'The connection was refused';
    expect(await radius({ port: await closedPort() })).toMatchObject({
      status: 'offline',
      responseTimeMs: null,
      message,
    });
    const stop = new AbortController();
    const check = radius({ port: blackHole.port, signal: stop.signal });
    await expect.poll(() => blackHole.heard.length).toBe(2);
    stop.abort();
    expect(await check).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
  });

  it('is not sent where connecting is denied', async () => {
    const { port, heard } = await udpServer((request) => answerTo(request));
    const denied = {
      status: 'unknown',
      code: 'egress_denied',
      responseTimeMs: null,
      message: 'Connecting there is not allowed here',
    };
    expect(await radius({ port, connector: createConnector() })).toEqual(denied);
    const connector = await connectorKnowing({ 'mixed.test': { a: ['127.0.0.1', '169.254.169.254'] } });
    expect(await radius({ host: 'mixed.test', port, connector })).toEqual(denied);
    expect(heard).toEqual([]);
  });
});

describe('an answer', () => {
  it('must be signed where that is asked for', async () => {
    const { port } = await udpServer((request) => answerTo(request));
    const message = 'The answer is not signed';
    expect(await radius({ port, config: { signed: true } })).toMatchObject({ status: 'critical', message });
    const signing = await udpServer((request) => answerTo(request, { signed: true }));
    expect(await radius({ port: signing.port, config: { signed: true } })).toMatchObject({ status: 'healthy' });
  });

  it.each([codes.accessAccept, codes.accountingResponse])('to Status-Server has the code %i', async (code) => {
    const { port } = await udpServer((request) => answerTo(request, { code }));
    expect(await radius({ port, config: { method: 'status', auth: undefined } })).toMatchObject({ status: 'healthy' });
  });

  it('may be later than expected, and is degraded then', async () => {
    const { port } = await udpServer((request) => answerTo(request));
    const message = 'Answered accept, slower than expected';
    expect(await radius({ port, expectedResponseTimeMs: 0 })).toMatchObject({ status: 'degraded', message });
  });

  it('says nothing to the tenant in its own words', async () => {
    const attributes = [{ type: 18, value: Buffer.from('<script>') }];
    const { port } = await udpServer((request) => answerTo(request, { code: codes.accessReject, attributes }));
    expect(JSON.stringify(await radius({ port }))).not.toContain('script');
  });
});

describe('a configuration', () => {
  const secret = 's';
  it.each([
    {},
    { auth: nemo },
    { secret },
    { secret, method: 'chap' },
    { secret, method: 'status', auth: nemo },
    { secret, method: 'status', expect: 'reject' },
    { secret, auth: { username: 'nemo' } },
    { secret, auth: { ...nemo, password: 'é'.repeat(65) } },
    { secret, auth: { ...nemo, username: 'x'.repeat(254) } },
    { secret, auth: nemo, nas: '' },
    { secret, auth: nemo, other: 1 },
  ])('is refused: %j', (config) => {
    expect(radiusProbe().config.safeParse(config).success).toBe(false);
  });

  it('takes secrets by their names alone', () => {
    expect(radiusProbe().secret).toEqual(['secret', 'auth.password']);
  });
});
