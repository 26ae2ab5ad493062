import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  element,
  integer,
  NotSnmp,
  objectId,
  readElement,
  readInteger,
  readObjectId,
  tags,
} from '../../src/snmp/ber.js';
import { communityConversation } from '../../src/snmp/conversation.js';
import { createKeyring } from '../../src/snmp/keyring.js';
import { readCommunityMessage } from '../../src/snmp/message.js';
import { openSecured, readSecured, writeSecured, type Keys } from '../../src/snmp/secured-message.js';
import {
  authProtocols,
  decrypt,
  encrypt,
  localKey,
  masterKey,
  privacyKey,
  privacyProtocols,
  type AuthProtocol,
  type PrivacyProtocol,
} from '../../src/snmp/security.js';
import { userConversation } from '../../src/snmp/user-conversation.js';
import { valueOf } from '../../src/snmp/values.js';
import { answer, engine, pdu, report, user } from '../support/snmp-agent.js';

const bytes = (min: number, max: number) =>
  fc.uint8Array({ minLength: min, maxLength: max }).map((it) => Buffer.from(it));
const auths = Object.keys(authProtocols) as AuthProtocol[];
const privacies = Object.keys(privacyProtocols) as PrivacyProtocol[];

describe('what is written', () => {
  it('is read again: elements', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), bytes(0, 700), bytes(0, 10), (tag, content, after) => {
        const written = element(tag, content);
        const read = readElement(Buffer.concat([written, after]));
        expect(read).toEqual({ element: { tag, content }, next: written.length });
      }),
    );
    for (const length of [0x7f, 0x80, 0xff, 0x100, 0xffff])
      expect(readElement(element(4, Buffer.alloc(length))).element.content).toHaveLength(length);
  });

  it('is read again: numbers, in as few bytes as it takes', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (value) => {
        expect(readInteger(readElement(integer(value)).element)).toBe(value);
      }),
    );
    const written = [0, 127, 128, -128, -129, 65_507, 2 ** 31 - 1, -(2 ** 31)].map((value) =>
      integer(value).toString('hex'),
    );
    expect(written).toEqual([
      '020100',
      '02017f',
      '02020080',
      '020180',
      '0202ff7f',
      '020300ffe3',
      '02047fffffff',
      '020480000000',
    ]);
  });

  it('is read again: names of objects', () => {
    const arc = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 0xffffffff }));
    const start = fc.oneof(
      fc.tuple(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 39 })),
      fc.tuple(fc.constant(2), arc),
    );
    fc.assert(
      fc.property(start, fc.array(arc, { maxLength: 100 }), (first, rest) => {
        const oid = [...first, ...rest].join('.');
        expect(readObjectId(readElement(objectId(oid)).element)).toBe(oid);
      }),
    );
    expect(objectId('1.3.6.1.4.1.8072.3.2.10').toString('hex')).toBe('060a2b06010401bf0803020a');
  });

  it('is read again: messages of every level', () => {
    const master = Object.fromEntries(auths.map((auth) => [auth, masterKey(auth, Buffer.from('maplesyrup'))]));
    const levels = fc.oneof(
      fc.constant({}),
      fc.record({ auth: fc.constantFrom(...auths) }),
      fc.record({
        auth: fc.constantFrom(...auths),
        privacy: fc.constantFrom(...privacies.filter((it) => !it.endsWith('c'))),
      }),
    );
    fc.assert(
      fc.property(
        levels,
        bytes(5, 32),
        fc.nat(2 ** 31 - 1),
        bytes(0, 200),
        (level: { auth?: AuthProtocol; privacy?: PrivacyProtocol }, id, number, text) => {
          const { auth, privacy } = level;
          const key = auth && master[auth];
          const keys: Keys = {
            ...(auth && key && { auth: { protocol: auth, key: localKey(auth, key, id) } }),
            ...(auth && key && privacy && { privacy: { protocol: privacy, key: privacyKey(privacy, auth, key, id) } }),
          };
          const from = { id, boots: number, time: number };
          const variables = [['1.3.6.1', element(tags.octets, text)]] as const;
          const written = writeSecured(
            { id: number, user: 'ü', context: '', engine: from, keys },
            pdu({ requestId: number, variables }),
          );
          const read = readSecured(written);
          expect(read).toMatchObject({ id: number, engine: from, user: Buffer.from('ü') });
          const opened = openSecured(read, keys);
          expect(opened?.pdu).toMatchObject({
            requestId: number,
            variables: [{ oid: '1.3.6.1', value: { content: text } }],
          });
          expect(opened?.level).toBe((auth ? 1 : 0) + (privacy ? 2 : 0));
          if (!keys.auth) return;
          // Nothing of it can be another: the digest is over all of it.
          const at = number % written.length;
          const bad = Buffer.from(written);
          bad[at]! ^= 1;
          expect(outcome(() => openSecured(readSecured(bad), keys)?.level)).not.toBe(opened?.level);
        },
      ),
    );
  });
});

/** What a reader gives, or that it refused to read; anything else that it throws is a fault. */
function outcome<Result>(read: () => Result): Result | 'no message' {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotSnmp) return 'no message';
    throw error;
  }
}

describe('no bytes are stumbled over', () => {
  const config = { auth: { ...user }, privacy: { protocol: 'des' as const, key: 'the-privacy-key' }, context: '' };
  const keyring = createKeyring();
  const keys = (auth: AuthProtocol, privacy: PrivacyProtocol): Keys => ({
    auth: { protocol: auth, key: Buffer.alloc(16) },
    privacy: { protocol: privacy, key: Buffer.alloc(privacyProtocols[privacy].keyBytes) },
  });

  it('that are any', () => {
    const conversations = [communityConversation('right', ['1.3']), userConversation(config, ['1.3'], keyring)];
    fc.assert(
      fc.property(bytes(0, 300), (garbage) => {
        outcome(() => readCommunityMessage(garbage));
        outcome(() => openSecured(readSecured(garbage), {}));
        for (const { hear } of conversations) expect(hear(garbage, () => undefined)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('that were a message once', () => {
    const question = communityConversation('right', ['1.3']).first;
    const { first } = userConversation(config, ['1.3'], keyring);
    const keyed = keys('sha256', 'des');
    const hidden = writeSecured({ id: 1, user: 'u', context: '', engine, keys: keyed }, pdu({}));
    const originals = [answer(question), report(first, 4), hidden];
    const changes = fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.constantFrom(...originals), changes, fc.nat(400), (original, changed, cut) => {
        const bad = Buffer.from(original);
        for (const [at, byte] of changed) bad[at % bad.length] = byte;
        for (const datagram of [bad, bad.subarray(0, cut)]) {
          outcome(() => readCommunityMessage(datagram));
          for (const opening of [{}, keyed, { privacy: keyed.privacy }, keys('md5', 'aes256')] as Keys[])
            outcome(() => openSecured(readSecured(datagram), opening));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('that shall be a value', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(tags), 0x60), bytes(0, 20), (tag, content) => {
        const value = outcome(() => valueOf({ tag, content }));
        expect(['number', 'string', 'object', 'undefined']).toContain(typeof value);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('keys', () => {
  const engineId = Buffer.from('000000000000000000000002', 'hex');
  const maplesyrup = Buffer.from('maplesyrup');
  it.each([
    ['md5', '9faf3283884e92834ebc9847d8edd963', '526f5eed9fcce26f8964c2930787d82b'],
    ['sha', '9fb5cc0381497b3793528939ff788d5d79145211', '6695febc9288e36282235fc7151f128497b38f3f'],
  ] as const)('are those of RFC 3414, A.3: %s', (protocol, master, local) => {
    expect(masterKey(protocol, maplesyrup).toString('hex')).toBe(master);
    expect(localKey(protocol, masterKey(protocol, maplesyrup), engineId).toString('hex')).toBe(local);
  });

  it('are made once a password and protocol, and the oldest are forgotten', () => {
    const keyring = createKeyring(2);
    const [one, two] = [keyring('sha', 'password one'), keyring('md5', 'password one')];
    expect(one).not.toEqual(two);
    expect(keyring('sha', 'password one')).toBe(one);
    const three = keyring('sha', 'password two');
    expect(keyring('sha', 'password one')).toBe(one);
    expect(keyring('sha', 'password two')).toBe(three);
    expect(keyring('md5', 'password one')).not.toBe(two);
    expect(keyring('md5', 'password one')).toEqual(two);
  });

  it.each(privacies)('decrypt with %s what they encrypted, and others do not', (protocol) => {
    const length = privacyProtocols[protocol].keyBytes;
    fc.assert(
      fc.property(bytes(length, length), bytes(1, 100), fc.nat(2 ** 31 - 1), (key, plain, number) => {
        const time = { boots: number, time: number };
        const { salt, encrypted } = encrypt(protocol, key, time, plain);
        expect(decrypt(protocol, key, time, salt, encrypted)?.subarray(0, plain.length)).toEqual(plain);
        expect(encrypt(protocol, key, time, plain).salt).not.toEqual(salt);
      }),
    );
    expect(
      decrypt(protocol, Buffer.alloc(length), { boots: 0, time: 0 }, Buffer.alloc(7), Buffer.alloc(8)),
    ).toBeUndefined();
  });
});

describe('a value', () => {
  const hex = (text: string) => Buffer.from(text, 'hex');
  it.each([
    [tags.integer, 'ff', -1],
    [tags.integer, '7fffffff', 2_147_483_647],
    [tags.counter32, '00ffffffff', 4_294_967_295],
    [tags.counter32, 'ffffffff', 4_294_967_295],
    [tags.gauge32, '2a', 42],
    [tags.timeTicks, '015180', 86_400],
    [tags.counter64, '1fffffffffffff', Number.MAX_SAFE_INTEGER],
    [tags.counter64, '20000000000000', '9007199254740992'],
    [tags.counter64, '00ffffffffffffffff', '18446744073709551615'],
    [tags.ipAddress, 'c0000201', '192.0.2.1'],
    [tags.oid, '2b06010401', '1.3.6.1.4.1'],
    [tags.nothing, '', null],
    [tags.octets, '', ''],
    [tags.octets, Buffer.from('Zürich\r\n\tSüd').toString('hex'), 'Zürich\r\n\tSüd'],
    [tags.octets, '75707300', 'ups'],
    [tags.octets, '001b21aabbcc', '00:1b:21:aa:bb:cc'],
    [tags.octets, '41ff', '41:ff'],
    [tags.octets, '1b5b41', '1b:5b:41'],
    [tags.opaque, '9f78043fc00000', 1.5],
    [tags.opaque, '9f79083ff8000000000000', 1.5],
    [tags.opaque, '9f7804', '9f:78:04'],
    [tags.noSuchObject, '', undefined],
    [tags.noSuchInstance, '', undefined],
    [tags.endOfMibView, '', undefined],
  ])('of type %i and bytes %s is %j', (tag, content, value) => {
    expect(valueOf({ tag, content: hex(content) })).toBe(value);
  });
});
