import fc from 'fast-check';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { closedPort } from '../../../../test/support/ports.js';
import { readAnswer, recordTypes, writeQuestion, type Question } from '../../src/probes/dns/message.js';
import { dnsProbe } from '../../src/probes/dns.js';
import { isWrongAnswer } from '../../src/probes/probe.js';
import { connectorKnowing, probed, serving, type Probing, expectWithin } from '../support/probing.js';

const name = 'www.example.com';
const dns = ({ config, ...probing }: Probing) => probed(dnsProbe, { ...probing, config: { name, ...config } });

const u16 = (...numbers: number[]) => Buffer.concat(numbers.map((each) => Buffer.from([each >> 8, each & 0xff])));
const u32 = (number: number) => u16(number >>> 16, number & 0xffff);
const label = (text: string) => {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
};
const domain = (text: string) => Buffer.concat([...text.split('.').filter(Boolean).map(label), Buffer.from([0])]);
const pointer = (at: number) => u16(0xc000 | at);
/** Where the question's name begins. */
const asked = pointer(12);

type Type = keyof typeof recordTypes | 'OPT' | 'DNAME';
const numbers: Record<Type, number> = { ...recordTypes, OPT: 41, DNAME: 39 };
const record = (type: Type, data: Buffer, { ttl = 300, owner = asked, inClass = 1 } = {}) =>
  Buffer.concat([owner, u16(numbers[type], inClass), u32(ttl), u16(data.length), data]);
const a = (address: string, more?: { ttl?: number }) => record('A', Buffer.from(address.split('.').map(Number)), more);

/** What a server answers: the question's id and text, and this. */
interface Reply {
  rcode?: number;
  /** Beside the bits that say that it is an answer. */
  flags?: number;
  answers?: Buffer[];
  authorities?: Buffer[];
  additionals?: Buffer[];
}
const AA = 0x0400;
const TC = 0x0200;
const questionOf = (query: Buffer) => query.subarray(12, -11);
function reply(query: Buffer, said: Reply = {}): Buffer {
  const { rcode = 0, flags = 0, answers = [], authorities = [], additionals = [] } = said;
  const counts = u16(1, answers.length, authorities.length, additionals.length);
  const head = [query.subarray(0, 2), u16(0x8180 | flags | rcode), counts, questionOf(query)];
  return Buffer.concat([...head, ...answers, ...authorities, ...additionals]);
}

interface Served {
  port: number;
  /** What was asked over each transport. */
  udp: Buffer[];
  tcp: Buffer[];
  socket: UdpSocket;
  accepted: Socket[];
}
type Over = 'udp' | 'tcp';
/** A DNS server on one port of both transports; it sends what `answer` gives. */
async function dnsServer(
  answer: (query: Buffer, over: Over) => Buffer | readonly Buffer[] | undefined,
  host = '127.0.0.1',
): Promise<Served> {
  const [udp, tcp]: [Buffer[], Buffer[]] = [[], []];
  const serve = (connection: Socket): void => {
    connection.on('data', (data) => {
      tcp.push(data.subarray(2));
      for (const message of [answer(data.subarray(2), 'tcp') ?? []].flat())
        connection.write(Buffer.concat([u16(message.length), message]));
    });
  };
  const { port, accepted } = await serving(createServer(), host, serve, await closedPort());
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (query, from) => {
    udp.push(query);
    for (const message of [answer(query, 'udp') ?? []].flat()) socket.send(message, from.port, from.address);
  });
  socket.bind(port, host);
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return { port, udp, tcp, socket, accepted };
}
const saying = (said: Reply) => dnsServer((query) => reply(query, said));
const both: [Over][] = [['udp'], ['tcp']];

describe('a server that answers', () => {
  it.each(both)('is healthy over %s, and was asked the question', async (transport) => {
    const server = await saying({ answers: [a('192.0.2.1')] });
    const { phases, ...result } = await dns({ port: server.port, config: { transport } });
    expect(result).toMatchObject({ status: 'healthy', message: 'Answered NOERROR with 1 record' });
    expect(result.responseTimeMs).toBeGreaterThan(0);
    expect(phases).toMatchObject({ dnsMs: 0, firstByteMs: expect.any(Number) as number });
    const [query = Buffer.alloc(12)] = server[transport];
    expect(server[transport]).toHaveLength(1);
    // Recursion desired, one question and EDNS of 1,232 bytes.
    expect(query.subarray(2, 12).toString('hex')).toBe('01000001000000000001');
    expect(questionOf(query)).toEqual(Buffer.concat([domain(name), u16(1, 1)]));
    expect(query.subarray(-11).toString('hex')).toBe('00002904d0000000000000');
    await expect.poll(() => server.accepted.every((socket) => socket.closed || socket.readableEnded)).toBe(true);
  });

  it('is asked without recursion, for the root and for other types, and with another id and port each time', async () => {
    const ports = new Set<number>();
    const { port, udp, socket } = await saying({});
    socket.on('message', (_, from) => void ports.add(from.port));
    const config = { name: '.', type: 'NS', recursion: false };
    for (let time = 0; time < 8; time++) expect(await dns({ port, config })).toMatchObject({ status: 'healthy' });
    expect(udp[0]?.readUInt16BE(2)).toBe(0);
    expect(questionOf(udp[0] ?? Buffer.alloc(0))).toEqual(Buffer.from([0, 0, 2, 0, 1]));
    expect(new Set(udp.map((query) => query.readUInt16BE(0))).size).toBeGreaterThan(1);
    expect(ports.size).toBeGreaterThan(1);
  });

  it.each(both)('is reached over IPv6 and by its name, whose resolution does not count (%s)', async (transport) => {
    const { port } = await dnsServer((query) => reply(query, { answers: [a('192.0.2.1')] }), '::1');
    const connector = await connectorKnowing({ 'ns.test': { aaaa: ['::1'] } });
    for (const host of ['::1', '[::1]', 'ns.test'])
      expect(await dns({ host, port, connector, config: { transport } })).toMatchObject({ status: 'healthy' });
    const { phases } = await dns({ host: 'ns.test', port, connector, config: { transport } });
    expect(phases?.dnsMs).toBeGreaterThanOrEqual(0);
  });

  it('is asked at its next address when the first refuses or is silent', async () => {
    const { port } = await dnsServer((query) => reply(query), '127.0.0.2');
    const connector = await connectorKnowing({ 'ns.test': { a: ['127.0.0.1', '127.0.0.2'] } });
    expect(await dns({ host: 'ns.test', port, connector })).toMatchObject({ status: 'healthy' });
    const silent = createSocket('udp4').bind(port, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await once(silent, 'listening');
    expect(await dns({ host: 'ns.test', port, connector, timeoutMs: 6_000 })).toMatchObject({ status: 'healthy' });
  });

  it.each(both)('later than expected is degraded (%s)', async (transport) => {
    const { port } = await saying({});
    expect(await dns({ port, config: { transport }, expectedResponseTimeMs: 0 })).toMatchObject({
      status: 'degraded',
      message: 'Answered NOERROR with 0 records, slower than expected',
    });
  });

  it('is judged by conditions', async () => {
    const opt = record('OPT', Buffer.alloc(0), { owner: Buffer.from([0]), inClass: 1_232, ttl: 0 });
    const { port } = await saying({
      flags: AA,
      answers: [a('192.0.2.1', { ttl: 300 }), a('192.0.2.2', { ttl: 60 })],
      authorities: [record('NS', domain('ns.example.com'))],
      additionals: [a('192.0.2.53'), opt],
    });
    const facts = { rcode: 'NOERROR', ttl: 60, authorities: 1, additionals: 1, authoritative: true, truncated: false };
    const right = Object.entries(facts).map(([on, value]) => ({ on, op: 'eq', value, severity: 'critical' }) as const);
    const lists = [
      { on: 'answers.length', op: 'eq', value: 2, severity: 'critical' },
      { on: 'answers', op: 'contains', value: '192.0.2.2', severity: 'critical' },
    ] as const;
    expect(await dns({ port, conditions: [...right, ...lists] })).toMatchObject({ status: 'healthy' });
    const wrong = { on: 'ttl', op: 'gte', value: 61, severity: 'degraded' } as const;
    expect(await dns({ port, conditions: [wrong] })).toMatchObject({ status: 'degraded' });
  });
});

describe('the records', () => {
  const ipv6 = Buffer.from('20010db8000000000000000000000001', 'hex');
  const soa = (rname: Buffer) => Buffer.concat([label('NS1'), asked, rname, ...[2026, 3600, 900, 86_400, 60].map(u32)]);
  const caa = Buffer.concat([Buffer.from([128]), label('Issue'), Buffer.from('ca.test; p=1')]);
  it.each([
    ['A', Buffer.from([192, 0, 2, 1]), '192.0.2.1'],
    ['AAAA', ipv6, '2001:db8::1'],
    ['AAAA', ipv6, '2001:DB8:0:0::1'],
    ['AAAA', Buffer.from('00000000000000000000ffffc0000201', 'hex'), '::ffff:192.0.2.1'],
    ['CNAME', Buffer.concat([label('CDN'), asked]), 'cdn.www.example.com'],
    ['NS', domain('NS1.Example.NET'), 'ns1.example.net'],
    ['PTR', domain('host.example.com'), 'Host.example.com.'],
    ['MX', Buffer.concat([u16(10), label('mx'), pointer(16)]), '10 mx.example.com'],
    ['MX', Buffer.concat([u16(0), Buffer.from([0])]), '0 .'],
    ['TXT', Buffer.concat([label('v=spf1 '), label('Include:ä')]), 'v=spf1 Include:ä'],
    ['TXT', Buffer.from([0]), ''],
    ['SOA', soa(domain('hostmaster.test')), 'ns1.www.example.com hostmaster.test 2026 3600 900 86400 60'],
    [
      'SOA',
      soa(Buffer.concat([label('first.last'), asked])),
      String.raw`ns1.www.example.com first\046last.www.example.com 2026 3600 900 86400 60`,
    ],
    ['SRV', Buffer.concat([u16(1, 20, 5_060), domain('sip.example.com')]), '1 20 5060 sip.example.com'],
    ['CAA', caa, '128 issue ca.test; p=1'],
  ] as const)('of type %s are read', async (type, data, text) => {
    const { port } = await saying({ answers: [record(type, data)] });
    const config = { type, ...(text !== '' && { expect: [text] }) };
    expect(await dns({ port, config })).toMatchObject({ status: 'healthy' });
    const wrong = await dns({ port, config: { type, expect: ['other'] } });
    expect(wrong).toMatchObject({ status: 'critical', message: '"other" is not among the answers' });
    expect(wrong.responseTimeMs).toBeGreaterThan(0);
  });

  it('all count that an alias leads to, and those of other types and classes are passed over', async () => {
    const unknown = [record('DNAME', domain('x.test')), record('TXT', label('chaos'), { inClass: 3 })];
    const alias = record('CNAME', domain('cdn.test'), { ttl: 0x80000000 });
    const { port } = await saying({ answers: [alias, ...unknown, a('192.0.2.1')] });
    const conditions = [{ on: 'ttl', op: 'eq', value: 0, severity: 'critical' }] as const;
    const config = { expect: ['CDN.test.', '192.0.2.1'] };
    const message = 'Answered NOERROR with 2 records';
    expect(await dns({ port, config, conditions: [...conditions] })).toMatchObject({ status: 'healthy', message });
  });
});

describe('a wrong answer is critical', () => {
  const codes = { FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, 'RCODE 11': 11 };
  const cases = Object.entries(codes).flatMap((code) => both.map((over) => [...code, ...over] as const));
  it.each(cases)('when it is %s (%i, %s)', async (code, rcode, transport) => {
    const { port } = await saying({ rcode });
    const result = await dns({ port, config: { transport } });
    expect(result).toMatchObject({ status: 'critical', message: `Answered ${code}` });
    expect(result.responseTimeMs).toBeGreaterThan(0);
  });

  it('unless that code is the expected one, and then NOERROR is wrong', async () => {
    const config = { rcode: 'NXDOMAIN' };
    const gone = await saying({ rcode: 3 });
    expect(await dns({ port: gone.port, config })).toMatchObject({ status: 'healthy' });
    const there = await saying({ answers: [a('192.0.2.1')] });
    const message = 'Answered NOERROR';
    expect(await dns({ port: there.port, config })).toMatchObject({ status: 'critical', message });
  });

  it('when EDNS says the upper half of its code', async () => {
    const opt = record('OPT', Buffer.alloc(0), { owner: Buffer.from([0]), inClass: 1_232, ttl: 0x01000000 });
    const { port } = await saying({ additionals: [opt] });
    expect(await dns({ port })).toMatchObject({ status: 'critical', message: 'Answered BADVERS' });
  });

  it('when it is not authoritative and shall be', async () => {
    const config = { authoritative: true };
    const message = 'The answer is not authoritative';
    expect(await dns({ port: (await saying({})).port, config })).toMatchObject({ status: 'critical', message });
    expect(await dns({ port: (await saying({ flags: AA })).port, config })).toMatchObject({ status: 'healthy' });
  });

  it.each([
    [
      'is to another question',
      (query: Buffer) =>
        reply(Buffer.concat([query.subarray(0, 12), domain('evil.test'), u16(1, 1), Buffer.alloc(11)])),
    ],
    ['has another id', (query: Buffer) => Buffer.concat([u16(query.readUInt16BE(0) ^ 1), reply(query).subarray(2)])],
    ['is a question', (query: Buffer) => query],
  ])('when it %s (tcp)', async (_, answer) => {
    const { port } = await dnsServer(answer);
    const message = 'The answer is to another question';
    expect(await dns({ port, config: { transport: 'tcp' } })).toMatchObject({ status: 'critical', message });
  });

  it('when it is truncated even over TCP', async () => {
    const { port } = await saying({ flags: TC });
    const message = 'The answer over TCP is truncated';
    for (const [transport] of both)
      expect(await dns({ port, config: { transport } })).toMatchObject({ status: 'critical', message });
  });
});

describe('a truncated answer', () => {
  it('is asked for again over TCP, with both times', async () => {
    // It breaks off in the middle of a record.
    const cut = (query: Buffer) => reply(query, { flags: TC, answers: [a('192.0.2.1')] }).subarray(0, -3);
    const whole = { answers: [a('192.0.2.1'), a('192.0.2.2')] };
    const { port, udp, tcp, accepted } = await dnsServer((query, over) =>
      over === 'udp' ? cut(query) : reply(query, whole),
    );
    const conditions = [{ on: 'truncated', op: 'eq', value: true, severity: 'critical' } as const];
    const config = { expect: ['192.0.2.1', '192.0.2.2'] };
    const { phases, ...result } = await dns({ port, config, conditions });
    expect(result).toMatchObject({ status: 'healthy', message: 'Answered NOERROR with 2 records' });
    expect([udp.length, tcp.length]).toEqual([1, 1]);
    const { connectMs = NaN, firstByteMs = NaN, transferMs = NaN } = phases ?? {};
    expectWithin(result.responseTimeMs, [connectMs, firstByteMs, transferMs]);
    await expect.poll(() => accepted[0]?.closed || accepted[0]?.readableEnded).toBe(true);
  });
});

describe('over UDP, what is no answer to the question is passed over', () => {
  const other = (query: Buffer) =>
    Buffer.concat([query.subarray(0, 12), domain('evil.test'), u16(1, 1), Buffer.alloc(11)]);
  const loop = (query: Buffer) =>
    Buffer.concat([
      reply(query, { answers: [Buffer.alloc(0)] }),
      pointer(12 + questionOf(query).length),
      Buffer.alloc(10),
    ]);
  const forged = { answers: [a('203.0.113.6')] };
  const cases: [string, (query: Buffer) => Buffer][] = [
    ['garbage', () => Buffer.from('garbage that is longer than a header')],
    ['nothing at all', () => Buffer.alloc(0)],
    ['another id', (query) => Buffer.concat([u16(query.readUInt16BE(0) ^ 1), reply(query, forged).subarray(2)])],
    ['another name', (query) => reply(other(query), forged)],
    [
      'another type',
      (query) => reply(Buffer.concat([query.subarray(0, -14), Buffer.from([28]), query.subarray(-13)]), forged),
    ],
    ['no question', (query) => Buffer.concat([query.subarray(0, 2), u16(0x8180, 0, 0, 0, 0)])],
    ['the question itself', (query) => query],
    ['a record that breaks off', (query) => reply(query, forged).subarray(0, -2)],
    ['fewer records than it says', (query) => reply(query, { answers: [Buffer.alloc(0)] })],
    ['a name that points at itself', loop],
  ];
  it.each(cases)('%s', async (_, bad) => {
    const config = { expect: ['192.0.2.1'] };
    const good = (query: Buffer) => reply(query, { answers: [a('192.0.2.1')] });
    const { port } = await dnsServer((query) => [bad(query), good(query)]);
    expect(await dns({ port, config })).toMatchObject({ status: 'healthy' });
    const only = await dnsServer(bad);
    expect(await dns({ port: only.port, config, timeoutMs: 150 })).toEqual({
      status: 'offline',
      code: 'timeout',
      responseTimeMs: null,
      message: 'No answer in time',
    });
  });

  it.each(['127.0.0.1', '127.0.0.2'])('an answer from elsewhere (%s)', async (address) => {
    const spoofer = createSocket('udp4').bind(0, address);
    onTestFinished(() => void spoofer.close());
    await once(spoofer, 'listening');
    const { port, socket } = await dnsServer(() => undefined);
    const sent = new Promise<void>((resolve) => {
      socket.on('message', (query, from) => {
        spoofer.send(reply(query, forged), from.port, from.address, () => {
          resolve();
          socket.send(reply(query, { answers: [a('192.0.2.1')] }), from.port, from.address);
        });
      });
    });
    expect(await dns({ port, config: { expect: ['192.0.2.1'] } })).toMatchObject({ status: 'healthy' });
    await sent;
  });
});

describe('a server that does not answer is offline', () => {
  it.each(both)('when it refuses (%s)', async (transport) => {
    const message = 'The connection was refused';
    const result = { status: 'offline', code: 'connection_refused', responseTimeMs: null, message };
    expect(await dns({ port: await closedPort(), config: { transport } })).toEqual(result);
  });

  it('when it answers over UDP that TCP shall be used, and refuses that', async () => {
    const socket = createSocket('udp4').bind(await closedPort(), '127.0.0.1');
    onTestFinished(() => void socket.close());
    socket.on('message', (query, from) => socket.send(reply(query, { flags: TC }), from.port, from.address));
    await once(socket, 'listening');
    expect(await dns({ port: socket.address().port })).toMatchObject({ message: 'The connection was refused' });
  });

  it.each(both)('when it is silent (%s)', async (transport) => {
    const { port, accepted } = await dnsServer(() => undefined);
    const message = 'No answer in time';
    expect(await dns({ port, config: { transport }, timeoutMs: 150 })).toMatchObject({ status: 'offline', message });
    await expect.poll(() => accepted.every(({ closed }) => closed)).toBe(true);
  });

  it('when it closes early (tcp)', async () => {
    for (const close of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
      const { port } = await serving(createServer(), undefined, close);
      expect(await dns({ port, config: { transport: 'tcp' } })).toMatchObject({ status: 'offline' });
    }
  });
});

describe('over TCP', () => {
  it.each([
    ['half an answer', Buffer.from([0, 40, 1, 2, 3])],
    ['half a length', Buffer.from([0])],
    ['an empty message', Buffer.from([0, 0])],
    ['words', Buffer.from('220 mail.test ESMTP\r\n')],
    ['an endless flood', Buffer.alloc(200_000, 0xff)],
  ])('%s is a wrong answer', async (_, bytes) => {
    const { port, accepted } = await serving(createServer(), undefined, (socket) => socket.resume().end(bytes));
    const message = 'The answer is not DNS';
    expect(await dns({ port, config: { transport: 'tcp' } })).toMatchObject({ status: 'critical', message });
    await expect.poll(() => accepted[0]?.closed).toBe(true);
  });

  it('an answer in pieces is one', async () => {
    const { port } = await serving(createServer(), undefined, (socket) => {
      socket.setNoDelay().once('data', (data) => {
        const message = reply(data.subarray(2), { answers: [a('192.0.2.1')] });
        for (const byte of Buffer.concat([u16(message.length), message])) socket.write(Buffer.from([byte]));
      });
    });
    expect(await dns({ port, config: { transport: 'tcp' } })).toMatchObject({ status: 'healthy' });
  });
});

describe('trouble of our own is unknown', () => {
  it.each(both)('when the check is stopped (%s)', async (transport) => {
    const { port, ...asked } = await dnsServer(() => undefined);
    const stop = new AbortController();
    const check = dns({ port, config: { transport }, signal: stop.signal });
    await expect.poll(() => asked[transport].length).toBe(1);
    stop.abort();
    expect(await check).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
    expect(await dns({ port, config: { transport }, signal: stop.signal })).toMatchObject({ status: 'unknown' });
  });

  it.each(both)('when connecting there is not allowed, and then nothing is sent (%s)', async (transport) => {
    const server = await saying({});
    const connector = await connectorKnowing({ 'ns.test': { a: ['127.0.0.1', '10.0.0.1'] } });
    const result = await dns({ host: 'ns.test', port: server.port, connector, config: { transport } });
    expect(result).toMatchObject({ status: 'unknown', message: 'Connecting there is not allowed here' });
    expect([server.udp.length, server.accepted.length]).toEqual([0, 0]);
  });
});

describe('the configuration', () => {
  const longest = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;
  it.each(['.', 'com', 'example.com.', '_sip._tcp.example.com', '0/25.2.0.192.in-addr.arpa', longest, `${longest}.`])(
    'takes the name %s',
    (given) => {
      expect(dnsProbe.config.safeParse({ name: given }).success).toBe(true);
      const written = writeQuestion({ id: 0, name: given, type: 'A', recursion: true });
      expect(questionOf(written)).toEqual(Buffer.concat([domain(given), u16(1, 1)]));
    },
  );

  it.each([
    [{}],
    ...['', '..', 'a..b', '.a', 'a b', 'ä.test', String.raw`a\046b`, 'a'.repeat(64), `${longest}e`].map((wrong) => [
      { name: wrong },
    ]),
    [{ name, type: 'AXFR' }],
    [{ name, transport: 'tls' }],
    [{ name, rcode: 'OK' }],
    [{ name, expect: [''] }],
    [{ name, expect: Array.from({ length: 21 }, () => 'x') }],
    [{ name, other: 1 }],
  ] as [Record<string, unknown>][])('refuses %j', (config) => {
    expect(dnsProbe.config.safeParse(config).success).toBe(false);
  });
});

describe('the reader of answers', () => {
  const question: Question = { id: 0x1234, name, type: 'A', recursion: true };
  const query = writeQuestion(question);
  /** What comes of a message; a failed test when it throws anything but a wrong answer. */
  const read = (message: Buffer) => {
    try {
      return readAnswer(message, question);
    } catch (error) {
      if (!isWrongAnswer(error)) throw error;
      return error.message;
    }
  };

  it('ends with an answer or a wrong answer, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(typeof read(Buffer.from(bytes))).toBe('string');
      }),
    );
    const records = fc.array(fc.constantFrom(...Object.values(numbers)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(records, fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ maxLength: 20 }), (types, data, owner) => {
        const entries = types.map((type) =>
          Buffer.concat([Buffer.from(owner), u16(type, 1), u32(60), u16(data.length), Buffer.from(data)]),
        );
        read(reply(query, { answers: entries }));
        read(
          reply(query, {
            answers: [...types].map((type) =>
              Buffer.concat([asked, u16(type, 1), u32(60), u16(data.length), Buffer.from(data)]),
            ),
          }),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('ends when bytes of a right answer are changed, lost or added', () => {
    const right = reply(query, {
      answers: [
        a('192.0.2.1'),
        record('MX', Buffer.concat([u16(10), label('mx'), pointer(16)])),
        record('TXT', label('text')),
      ],
      authorities: [record('SOA', Buffer.concat([asked, asked, Buffer.alloc(20)]))],
    });
    expect(read(right)).toMatchObject({ rcode: 'NOERROR', authorities: 1 });
    const change = fc.record({ at: fc.nat(right.length - 1), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), fc.nat(right.length), fc.uint8Array(), (changes, end, more) => {
        const message = Buffer.concat([right.subarray(0, end), Buffer.from(more), right.subarray(end)]);
        for (const { at, byte } of changes) message[at] = byte;
        read(message);
        read(message.subarray(0, end));
      }),
      { numRuns: 2_000 },
    );
  });

  it('follows pointers only backwards and only so often, and keeps names short', () => {
    const at = query.length - 11;
    const inAnswer = (owner: Buffer) =>
      read(reply(query, { answers: [Buffer.concat([owner, u16(1, 1), u32(60), u16(4), Buffer.alloc(4)])] }));
    const wrong = 'The answer is not DNS';
    expect(inAnswer(pointer(12))).toMatchObject({ answers: [{ text: '0.0.0.0' }] });
    for (const target of [at, at + 1, at + 2, 0, 11, 0x3fff]) expect(inAnswer(pointer(target))).toBe(wrong);
    // A label and a pointer to it go round.
    expect(inAnswer(Buffer.concat([label('a'), pointer(at)]))).toBe(wrong);
    expect(inAnswer(Buffer.concat([Buffer.from([0x40]), Buffer.alloc(70)]))).toBe(wrong);
    expect(inAnswer(Buffer.concat([...Array.from({ length: 127 }, () => label('a')), Buffer.from([0])]))).toMatchObject(
      { rcode: 'NOERROR' },
    );
    expect(inAnswer(Buffer.concat([...Array.from({ length: 128 }, () => label('a')), Buffer.from([0])]))).toBe(wrong);
    // Names that each point at the one before: as many records as fit must not take long.
    const chain = [record('TXT', Buffer.alloc(0))];
    for (let offset = at + 12; offset < 0x3f00; offset += 12)
      chain.push(record('TXT', Buffer.alloc(0), { owner: pointer(offset - 12) }));
    const started = process.cpuUsage();
    expect(read(reply(query, { answers: chain }))).toBe(wrong);
    // Of this process's own time, in microseconds.
    expect(process.cpuUsage(started).user).toBeLessThan(1_000_000);
  });

  it('does not take more or less data than a record has', () => {
    const wrong = 'The answer is not DNS';
    const data: [keyof typeof recordTypes, Buffer][] = [
      ['A', Buffer.alloc(3)],
      ['A', Buffer.alloc(5)],
      ['AAAA', Buffer.alloc(15)],
      ['MX', Buffer.concat([u16(1), domain('a'), Buffer.from([0])])],
      ['MX', u16(1)],
      ['SRV', Buffer.alloc(6)],
      ['SOA', Buffer.concat([asked, asked, Buffer.alloc(19)])],
      ['TXT', Buffer.from([2, 65])],
      ['CAA', Buffer.from([0, 5, 65])],
      ['CAA', Buffer.alloc(0)],
      ['NS', Buffer.from([0xc0])],
    ];
    for (const [type, bytes] of data) expect(read(reply(query, { answers: [record(type, bytes)] }))).toBe(wrong);
  });
});
