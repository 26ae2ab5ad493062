import { createConnector } from '@dotmac/core/net';
import { describe, expect, it } from 'vitest';
import { closedPort } from '../../../../test/support/ports.js';
import { connectorKnowing, inSteps, probed, type Probing } from '../../../health/test/support/probing.js';
import { snmpProbe } from '../../src/index.js';
import { element, objectId, tags } from '../../src/snmp/ber.js';
import type { Keys } from '../../src/snmp/secured-message.js';
import { masterKey, privacyKey } from '../../src/snmp/security.js';
import {
  answer,
  engine,
  hiddenNumberOf,
  isDiscovery,
  keysAt,
  numberOf,
  octets,
  report,
  securedAnswer,
  sysName,
  timeIn,
  user,
} from '../support/snmp-agent.js';
import { udpServer } from '../support/udp-server.js';

const oids = [{ oid: sysName, name: 'name' }];
const isCore = { on: 'values.name', op: 'eq', value: 'core', severity: 'critical' } as const;
const v2c = ({ config, ...probing }: Probing) =>
  probed(snmpProbe(), { conditions: [isCore], ...probing, config: { community: 'right', oids, ...config } });
const v3 = ({ config, ...probing }: Probing) =>
  probed(snmpProbe(), { conditions: [isCore], ...probing, config: { version: '3', auth: user, oids, ...config } });
const silent = { status: 'offline', code: 'timeout', responseTimeMs: null, message: 'No answer in time' };
const critical = (code: string, message: string) => ({ status: 'critical', code, responseTimeMs: null, message });

describe('by v2c, what is no answer is passed over', () => {
  const cases: [string, (question: Buffer) => Buffer][] = [
    ['nothing at all', () => Buffer.alloc(0)],
    ['garbage', () => Buffer.from('garbage that is none of BER')],
    ['a datagram as long as there can be', (question) => Buffer.concat([answer(question), Buffer.alloc(65_000, 0x30)])],
    [
      'sequences in sequences',
      () => Array.from({ length: 9_000 }).reduce<Buffer>((inner) => element(0x30, inner), Buffer.alloc(0)),
    ],
    ['the question itself', (question) => question],
    ['an answer to another question', (question) => answer(question, { requestId: numberOf(question) ^ 1 })],
    ['another community', (question) => answer(question, {}, { community: 'wrong' })],
    ['another version', (question) => answer(question, {}, { version: 0 })],
    ['a report', (question) => answer(question, { tag: tags.report })],
    ['a message that breaks off', (question) => answer(question).subarray(0, -1)],
    ['a message that goes on', (question) => Buffer.concat([answer(question), Buffer.alloc(1)])],
    [
      'a length without an end',
      (question) => Buffer.concat([Buffer.from([0x30, 0x80]), answer(question).subarray(2), Buffer.alloc(2)]),
    ],
    [
      'a length of eight bytes',
      (question) => Buffer.concat([Buffer.from('3088ffffffffffffffff', 'hex'), answer(question)]),
    ],
  ];
  it.each(cases)('%s', async (_, bad) => {
    const forged = (question: Buffer) => bad(question);
    const { port } = await udpServer((question) => [forged(question), answer(question)]);
    expect(await v2c({ port })).toMatchObject({ status: 'healthy' });
    const only = await udpServer(forged);
    expect(await inSteps((clock) => v2c({ port: only.port, timeoutMs: 300, clock }))).toEqual(silent);
  });
});

describe('by v2c, an answer is wrong', () => {
  const value = (tag: number, content = '') => element(tag, Buffer.from(content, 'hex'));
  it.each([
    ['of another object', { variables: [['1.3.6.1.2.1.1.6.0', octets('core')]] }, 'The answer is to another question'],
    ['of fewer objects', { variables: [] }, 'The answer is to another question'],
    [
      'of more objects',
      {
        variables: [
          [sysName, octets('core')],
          [sysName, octets('core')],
        ],
      },
      'The answer is to another question',
    ],
    ['with an error', { errorStatus: 5, variables: [] }, 'The agent answered genErr'],
    ['with an error that has no name', { errorStatus: 99 }, 'The agent answered error 99'],
    ['with no value', { variables: [[sysName, value(tags.noSuchObject)]] }, 'The agent has no "name"'],
    ['at its end', { variables: [[sysName, value(tags.endOfMibView)]] }, 'The agent has no "name"'],
    [
      'of a type that there is not',
      { variables: [[sysName, value(0x60, '00')]] },
      'The answer has a value that is none',
    ],
    [
      'of a number without digits',
      { variables: [[sysName, value(tags.counter32)]] },
      'The answer has a value that is none',
    ],
    [
      'of a number too long',
      { variables: [[sysName, value(tags.integer, '0000000001')]] },
      'The answer has a value that is none',
    ],
  ] as const)('%s', async (_, said, message) => {
    const { port } = await udpServer((question) => answer(question, said));
    const result = await v2c({ port });
    expect(result).toMatchObject({ status: 'critical', message });
    expect(result.responseTimeMs).toBeGreaterThan(0);
  });

  it('and says nothing to the tenant in its own words', async () => {
    const { port } = await udpServer((question) => answer(question, { variables: [[sysName, octets('<script>')]] }));
    const config = { oids: [{ ...oids[0], critical: { max: 1 } }] };
    for (const more of [{}, { config }]) {
      const result = await v2c({ port, ...more });
      expect(result.status).toBe('critical');
      expect(JSON.stringify(result)).not.toContain('script');
    }
  });
});

describe('a question', () => {
  it('is sent again as it was, until it is answered', async () => {
    const { port, heard } = await udpServer((question, count) => (count === 1 ? undefined : answer(question)));
    expect((await v2c({ port })).responseTimeMs).toBeGreaterThan(900);
    expect(heard).toEqual([heard[0], heard[0]]);
  });

  it('has another number in each check', async () => {
    const { port, heard } = await udpServer((question) => answer(question));
    for (let time = 0; time < 5; time++) await v2c({ port });
    expect(new Set(heard.map(numberOf)).size).toBe(5);
  });

  it.each([
    ['2c', v2c],
    ['3', v3],
  ])('is not sent where connecting is denied (%s)', async (_, probe) => {
    const { port, heard } = await udpServer(() => undefined);
    const denied = {
      status: 'unknown',
      code: 'egress_denied',
      responseTimeMs: null,
      message: 'Connecting there is not allowed here',
    };
    expect(await probe({ port, connector: createConnector() })).toEqual(denied);
    const connector = await connectorKnowing({ 'mixed.test': { a: ['127.0.0.1', '169.254.169.254'] } });
    expect(await probe({ host: 'mixed.test', port, connector })).toEqual(denied);
    expect(heard).toEqual([]);
  });

  it.each([
    ['2c', v2c],
    ['3', v3],
  ])('is given up when nobody answers, and refused where nobody listens (%s)', async (_, probe) => {
    const blackHole = await udpServer(() => undefined);
    expect(await probe({ port: blackHole.port, timeoutMs: 100 })).toEqual(silent);
    const message = 'The connection was refused';
    expect(await probe({ port: await closedPort() })).toMatchObject({
      status: 'offline',
      responseTimeMs: null,
      message,
    });
    const stop = new AbortController();
    const check = probe({ port: blackHole.port, signal: stop.signal });
    await expect.poll(() => blackHole.heard.length).toBe(2);
    stop.abort();
    expect(await check).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
  });
});

describe('by v3', () => {
  /** An agent that says who it is, and then what is given for the question. */
  const agent = (then: (question: Buffer, count: number) => Buffer | readonly Buffer[] | undefined) =>
    udpServer((question, count) => (isDiscovery(question) ? report(question, 4) : then(question, count)));

  it('an answer counts that is signed', async () => {
    const { port, heard } = await agent((question) => securedAnswer(question));
    expect(await v3({ port })).toMatchObject({ status: 'healthy' });
    expect(timeIn(heard[1] ?? Buffer.alloc(0))).toEqual({ boots: 3, time: 1_000 });
  });

  const stranger = Buffer.from('80000000ffffffff', 'hex');
  const unverified = critical('answer_unverified', 'The keys do not verify the answer');
  const noAnswer = critical('service_refused', 'The agent says who it is, and nothing to the question');
  const passedOver: [string, (question: Buffer) => Buffer, object][] = [
    ['one that is not signed', (question) => securedAnswer(question, { keys: {} }), unverified],
    [
      'one that is signed with another key',
      (question) => securedAnswer(question, { keys: keysAt(stranger) }),
      unverified,
    ],
    ['one of another user', (question) => securedAnswer(question, { as: 'other' }), unverified],
    ['one of another engine', (question) => securedAnswer(question, { from: { ...engine, id: stranger } }), unverified],
    ['an older one', (question) => securedAnswer(question, { said: { requestId: 7 } }), noAnswer],
    ['one to another message', (question) => securedAnswer(question, { id: 7 }), noAnswer],
    ['an unsigned word that it is another time', (question) => report(question, 2, { ...engine, time: 9 }), unverified],
    ['garbage', () => Buffer.from('garbage that is none of BER'), noAnswer],
    ['the question itself', (question) => question, noAnswer],
  ];
  it.each(passedOver)('%s is passed over', async (_, bad, alone) => {
    const both = await agent((question) => [bad(question), securedAnswer(question)]);
    expect(await v3({ port: both.port })).toMatchObject({ status: 'healthy' });
    const only = await agent(bad);
    expect(await inSteps((clock) => v3({ port: only.port, timeoutMs: 300, clock }))).toEqual(alone);
  });

  it('an answer that is signed and not encrypted does not count where the question was both', async () => {
    const privacy = { protocol: 'aes', key: 'the-privacy-key' } as const;
    const master = masterKey('sha256', Buffer.from(privacy.key));
    const key = privacyKey('aes', 'sha256', master, engine.id);
    const both: Keys = { ...keysAt(engine.id), privacy: { protocol: 'aes', key } };
    const answering = (keys: Keys) =>
      agent((question) => securedAnswer(question, { keys, requestId: hiddenNumberOf(question, key) }));
    const encrypted = await answering(both);
    expect(await v3({ port: encrypted.port, config: { privacy } })).toMatchObject({ status: 'healthy' });
    expect(encrypted.heard.at(-1)?.toString('hex')).not.toContain(objectId(sysName).toString('hex'));
    const signed = await answering(keysAt(engine.id));
    const check = inSteps((clock) => v3({ port: signed.port, config: { privacy }, timeoutMs: 300, clock }));
    expect(await check).toEqual(unverified);
  });

  it('another time is taken from a signed report, once', async () => {
    const later = { ...engine, boots: 4, time: 77 };
    const late = await agent((question) =>
      timeIn(question).boots === 4
        ? securedAnswer(question, { from: later })
        : report(question, 2, later, keysAt(engine.id)),
    );
    expect(await v3({ port: late.port })).toMatchObject({ status: 'healthy' });
    expect(late.heard.slice(1).map(timeIn)).toEqual([
      { boots: 3, time: 1_000 },
      { boots: 4, time: 77 },
    ]);
    const never = await agent((question) => report(question, 2, later, keysAt(engine.id)));
    const message = 'The agent says that it is another time there';
    expect(await v3({ port: never.port })).toMatchObject({ status: 'critical', message });
    expect(never.heard).toHaveLength(3);
  });

  it.each([
    [1, 'The agent does not take this security level for the user'],
    [3, 'The agent does not know the user'],
    [4, 'The agent does not know its own engine'],
    [5, 'The agent refused the digest: its key or protocol of authentication is another'],
    [6, 'The agent could not decrypt: its key or protocol of privacy is another'],
    [9, 'The agent refused to answer'],
  ])('a report of counter %i is told in our words', async (counter, message) => {
    const { port } = await agent((question) => report(question, counter));
    expect(await v3({ port })).toMatchObject({ status: 'critical', message });
  });

  it('an agent that is somebody else each time is asked four times at most', async () => {
    const { port, heard } = await udpServer((question) => {
      if (!isDiscovery(question)) return undefined;
      return Array.from({ length: 300 }, (_, n) =>
        report(question, 4, { ...engine, id: Buffer.from([0x80, 0, 0, 0, n >> 8, n & 0xff]) }),
      );
    });
    expect(await inSteps((clock) => v3({ port, timeoutMs: 500, clock }))).toEqual(noAnswer);
    expect(heard.filter((question) => !isDiscovery(question))).toHaveLength(4);
  });

  it.each([
    ['no name', Buffer.alloc(0)],
    ['a name too short', Buffer.alloc(4, 1)],
    ['a name too long', Buffer.alloc(33, 1)],
  ])('an agent with %s is none', async (_, id) => {
    const { port } = await udpServer((question) => report(question, 4, { ...engine, id }));
    expect(await v3({ port, timeoutMs: 300 })).toEqual(silent);
  });

  it('an agent is asked at the next address of a name when the first says nothing', async () => {
    const connector = await connectorKnowing({ 'two.test': { a: ['127.0.0.9', '127.0.0.1'] } });
    const { port } = await agent((question) => securedAnswer(question));
    expect(await v3({ host: 'two.test', port, connector })).toMatchObject({ status: 'healthy' });
  });

  it('an agent is asked at the next address of a name when at the first it says who it is and no more', async () => {
    const connector = await connectorKnowing({ 'two.test': { a: ['127.0.0.9', '127.0.0.1'] } });
    const { port } = await agent((question) => securedAnswer(question));
    const half = (question: Buffer) => (isDiscovery(question) ? report(question, 4) : undefined);
    const { heard } = await udpServer(half, { address: '127.0.0.9', port });
    expect(await v3({ host: 'two.test', port, connector })).toMatchObject({ status: 'healthy' });
    expect(heard.map(isDiscovery)).toContain(false);
  });

  it('an agent that says again and again who it is is asked the same four times, and no more', async () => {
    const { port, heard } = await udpServer((question) =>
      isDiscovery(question) ? Array.from({ length: 300 }, () => report(question, 4)) : undefined,
    );
    expect(await inSteps((clock) => v3({ port, timeoutMs: 500, clock }))).toEqual(noAnswer);
    const questions = heard.filter((question) => !isDiscovery(question));
    expect(questions).toHaveLength(4);
    expect(new Set(questions.map((question) => question.toString('hex'))).size).toBe(1);
  });
});

describe('a configuration', () => {
  const auth = { username: 'monitor', key: 'long enough' };
  const privacy = { key: 'long enough' };
  it.each([
    { version: '1' },
    { version: '3' },
    { version: '3', auth, community: 'public' },
    { version: '3', auth: { username: 'monitor', key: 'short' } },
    { version: '3', auth: { username: 'monitor' }, privacy },
    { version: '3', auth: { ...auth, protocol: 'sha3' } },
    { version: '3', auth, privacy: { ...privacy, protocol: 'rot13' } },
    { auth },
    { context: 'x' },
    { community: '' },
    { oids: [] },
    { oids: [{ oid: sysName }, { oid: `.${sysName}` }] },
    { oids: [{ oid: sysName, name: 'two words' }] },
    { oids: [{ oid: sysName, warning: {} }] },
    { oids: Array.from({ length: 21 }, (_, n) => ({ oid: `1.3.${n}` })) },
  ])('is refused: %j', (config) => {
    expect(snmpProbe().config.safeParse(config).success).toBe(false);
  });

  it.each(['1.', 'sysUpTime', '3.1', '1.40', '1.3.4294967296', '1..3', '1', ''])('has no object %j', (oid) => {
    expect(snmpProbe().config.safeParse({ oids: [{ oid }] }).success).toBe(false);
  });

  it.each(['1.3.6', '.1.3.6', '2.999.1', '1.3.4294967295'])('has the object %j', (oid) => {
    expect(snmpProbe().config.safeParse({ oids: [{ oid }] }).success).toBe(true);
  });

  it('takes secrets by their names alone', () => {
    expect(snmpProbe().secret).toEqual(['community', 'auth.key', 'privacy.key']);
  });
});
