import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { chapPassword, hidePassword, isAuthentic, sign, unsigned } from '../../src/radius/authenticity.js';
import { readAnswer, writeRequest } from '../../src/radius/conversation.js';
import { attributeTypes, packetIn, readPacket, writePacket, type Attribute } from '../../src/radius/packet.js';
import { radiusSettings } from '../../src/radius/settings.js';
import { answerTo } from '../support/radius-answer.js';

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const secret = Buffer.from('xyzzy5461');

/** RFC 2865, 7.1: the user nemo, by PAP. */
const telnet = {
  request: hex(`01 00 00 38 0f 40 3f 94 73 97 80 57 bd 83 d5 cb 98 f4 22 7a 01 06 6e 65 6d 6f 02 12 0d be 70 8d 93 d4 13
    ce 31 96 e4 3f 78 2a 0a ee 04 06 c0 a8 01 10 05 06 00 00 00 03`),
  answer: hex(`02 00 00 26 86 fe 22 0e 76 24 ba 2a 10 05 f6 bf 9b 55 e0 b2 06 06 00 00 00 01 0f 06 00 00 00 00 0e 06 c0
    a8 01 03`),
};
/** RFC 2865, 7.2: the user flopsy, by CHAP. */
const framed = {
  request: hex(`01 01 00 47 2a ee 86 f0 8d 0d 55 96 9c a5 97 8e 0d 33 67 a2 01 08 66 6c 6f 70 73 79 03 13 16 e9 75 57 c3
    16 18 58 95 f2 93 ff 63 44 07 72 75 04 06 c0 a8 01 10 05 06 00 00 00 14 06 06 00 00 00 02 07 06 00 00 00 01`),
  answer: hex(`02 01 00 38 15 ef bc 7d ab 26 cf a3 dc 34 d9 c0 3c 86 01 a4 06 06 00 00 00 02 07 06 00 00 00 01 08 06 ff
    ff ff fe 0a 06 00 00 00 02 0d 06 00 00 00 01 0c 06 00 00 05 dc`),
};
/** RFC 5997, 6.1 and 6.2: the status of the server. */
const status = {
  request: hex(
    '0c da 00 26 8a 54 f4 68 6f b3 94 c5 28 66 e3 02 18 5d 06 23 50 12 5a 66 5e 2e 1e 84 11 f3 e2 43 82 20 97 c8 4f a3',
  ),
  answer: hex('02 da 00 14 ef 0d 55 2a 4b f2 d6 93 ec 2b 6f e8 b5 41 1d 66'),
};

describe("the RFCs' examples", () => {
  it.each(Object.entries({ telnet, framed, status }))('%s: are read, written again, and verified', (_, example) => {
    const [request, answer] = [readPacket(example.request), readPacket(example.answer)];
    if (!request || !answer) throw new Error('not read');
    expect([writePacket(request), writePacket(answer)]).toEqual([example.request, example.answer]);
    expect(isAuthentic(example.answer, answer, request.authenticator, secret)).toBe(true);
    expect(isAuthentic(example.answer, answer, request.authenticator, Buffer.from('xyzzy5462'))).toBe(false);
  });

  it('hide the password of nemo', () => {
    const { authenticator, attributes } = readPacket(telnet.request) ?? { authenticator: Buffer.alloc(0) };
    const hidden = hidePassword(Buffer.from('arctangent'), secret, authenticator);
    expect(hidden).toEqual(attributes?.find(({ type }) => type === attributeTypes.userPassword)?.value);
  });

  it('sign the question for the status', () => {
    const { code, identifier, authenticator } = readPacket(status.request) ?? {
      code: 0,
      identifier: 0,
      authenticator: Buffer.alloc(0),
    };
    expect(sign(writePacket({ code, identifier, authenticator, attributes: [unsigned] }), secret)).toEqual(
      status.request,
    );
  });
});

const bytes = (min: number, max: number) =>
  fc.uint8Array({ minLength: min, maxLength: max }).map((it) => Buffer.from(it));
const attribute: fc.Arbitrary<Attribute> = fc.record({ type: fc.integer({ min: 1, max: 255 }), value: bytes(0, 253) });

describe('a packet', () => {
  it('is read as it was written, and so is one with padding after it', () => {
    fc.assert(
      fc.property(
        fc.record({
          code: fc.integer({ min: 0, max: 255 }),
          identifier: fc.integer({ min: 0, max: 255 }),
          authenticator: bytes(16, 16),
          attributes: fc.array(attribute, { maxLength: 15 }),
        }),
        bytes(0, 40),
        (packet, padding) => {
          const written = writePacket(packet);
          const found = packetIn(Buffer.concat([written, padding]));
          expect(found).toEqual(written);
          expect(found && readPacket(found)).toEqual(packet);
        },
      ),
    );
  });

  it.each([
    ['shorter than its header', hex('02 00 00 13')],
    ['longer than it came', Buffer.concat([hex('02 00 00 15'), Buffer.alloc(16)])],
    ['longer than there may be', Buffer.concat([hex('02 00 10 01'), Buffer.alloc(4_093)])],
    ['said to be shorter than its header', Buffer.concat([hex('02 00 00 13'), Buffer.alloc(16)])],
  ])('is none when it is %s', (_, datagram) => {
    expect(packetIn(datagram)).toBeUndefined();
  });

  it.each([
    ['has no length', '01'],
    ['has a length without itself', '01 01'],
    ['breaks off', '01 04 61'],
  ])('is none when an attribute %s', (_, attributes) => {
    const body = hex(attributes);
    expect(
      readPacket(Buffer.concat([Buffer.from([2, 0, 0, 20 + body.length]), Buffer.alloc(16), body])),
    ).toBeUndefined();
  });
});

describe('a password', () => {
  it('is hidden so that the secret alone finds it', () => {
    fc.assert(
      fc.property(bytes(1, 128), bytes(1, 64), bytes(16, 16), (password, shared, authenticator) => {
        const hidden = hidePassword(password, shared, authenticator);
        expect(hidden.length).toBe(16 * Math.ceil(password.length / 16));
        let previous: Uint8Array = authenticator;
        const found = Buffer.concat(
          Array.from({ length: hidden.length / 16 }, (_, block) => {
            const mask = createHash('md5').update(shared).update(previous).digest();
            previous = hidden.subarray(16 * block, 16 * block + 16);
            return Buffer.from(previous.map((byte, index) => byte ^ (mask[index] ?? 0)));
          }),
        );
        expect(found.subarray(0, password.length)).toEqual(password);
        expect(found.subarray(password.length).every((byte) => byte === 0)).toBe(true);
      }),
    );
  });

  it('is a digest with its number before it in CHAP', () => {
    const digest = createHash('md5').update(Buffer.from('\x07secretchallenge')).digest();
    expect(chapPassword(7, Buffer.from('secret'), Buffer.from('challenge'))).toEqual(
      Buffer.concat([Buffer.from([7]), digest]),
    );
  });
});

describe('an answer', () => {
  const settings = radiusSettings.parse({ secret: 'xyzzy5461', auth: { username: 'nemo', password: 'arctangent' } });
  const request = writeRequest(settings);

  it('counts when it is authentic, signed or not', () => {
    for (const signed of [true, false])
      expect(readAnswer(answerTo(request.bytes, { signed }), request, settings)).toEqual({
        verdict: 'accept',
        signed,
        messages: ['hi'],
      });
  });

  it('does not count when a bit of it is another', () => {
    for (const signed of [true, false]) {
      const good = answerTo(request.bytes, { signed });
      for (let bit = 0; bit < 8 * good.length; bit++) {
        const bad = Buffer.from(good);
        bad[bit >> 3]! ^= 1 << (bit & 7);
        expect(readAnswer(bad, request, settings) ?? 'unverified').toBe('unverified');
      }
    }
  });

  it('does not count when its Message-Authenticator alone is wrong, too short, or there twice', () => {
    const type = attributeTypes.messageAuthenticator;
    for (const attributes of [
      [{ type, value: Buffer.alloc(16) }],
      [{ type, value: Buffer.alloc(15) }],
      [{ type, value: Buffer.alloc(0) }],
      [
        { type, value: Buffer.alloc(16) },
        { type, value: Buffer.alloc(16) },
      ],
    ])
      expect(readAnswer(answerTo(request.bytes, { attributes }), request, settings)).toBe('unverified');
    const twice = answerTo(request.bytes, { signed: true, attributes: [{ type, value: Buffer.alloc(16) }] });
    expect(readAnswer(twice, request, settings)).toBe('unverified');
  });

  it('is never made of any bytes, and none of them are stumbled over', () => {
    fc.assert(
      fc.property(bytes(0, 5_000), (garbage) => {
        expect(readAnswer(garbage, request, settings)).toBeUndefined();
      }),
    );
    const good = answerTo(request.bytes, { signed: true });
    fc.assert(
      fc.property(fc.nat(good.length), bytes(0, 60), (at, tail) => {
        const cut = Buffer.concat([good.subarray(0, at), tail]);
        const read = readAnswer(cut, request, settings) ?? 'unverified';
        if (!cut.subarray(0, good.length).equals(good)) expect(read).toBe('unverified');
      }),
    );
  });
});
