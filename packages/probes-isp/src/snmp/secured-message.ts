import { timingSafeEqual } from 'node:crypto';
import { contentOf, element, integer, NotSnmp, partsOf, readElement, readInteger, tags, type Element } from './ber.js';
import { messageParts, readPdu, type Pdu } from './message.js';
import { authProtocols, decrypt, digestOf, encrypt, type AuthProtocol, type PrivacyProtocol } from './security.js';

/** What a message is signed and encrypted with. */
export interface Keys {
  auth?: { protocol: AuthProtocol; key: Buffer };
  privacy?: { protocol: PrivacyProtocol; key: Buffer };
}

/** The engine of an agent, and what time it is there. */
export interface Engine {
  id: Buffer;
  boots: number;
  time: number;
}

/** Nobody, before the agent has said who it is. */
export const noEngine: Engine = { id: Buffer.alloc(0), boots: 0, time: 0 };

const version3 = 3;
const userSecurityModel = 3;
/** What we take at most: a datagram. */
const maxSizeBytes = 65_507;
/** The bits of a message's flags (RFC 3412, 6.4). */
const flags = { auth: 1, privacy: 2, reportable: 4 } as const;

/** How far a message with these keys is signed (1) and encrypted (2). */
export function levelOf({ auth, privacy }: Keys): number {
  return (auth ? flags.auth : 0) | (privacy ? flags.privacy : 0);
}

/** Writes a message of SNMPv3 with the user-based security model (RFC 3412, 6; RFC 3414, 2.4). */
export function writeSecured(
  { id, user, context, engine, keys }: { id: number; user: string; context: string; engine: Engine; keys: Keys },
  pdu: Buffer,
): Buffer {
  const octets = (content: Uint8Array) => element(tags.octets, content);
  const scoped = element(tags.sequence, octets(engine.id), octets(Buffer.from(context)), pdu);
  const hidden = keys.privacy && encrypt(keys.privacy.protocol, keys.privacy.key, engine, scoped);
  const data = hidden ? octets(hidden.encrypted) : scoped;
  const salt = octets(hidden?.salt ?? Buffer.alloc(0));
  const digestBytes = keys.auth ? authProtocols[keys.auth.protocol].digestBytes : 0;
  const header = element(
    tags.sequence,
    integer(id),
    integer(maxSizeBytes),
    octets(Buffer.from([levelOf(keys) | flags.reportable])),
    integer(userSecurityModel),
  );
  const who = [octets(engine.id), integer(engine.boots), integer(engine.time), octets(Buffer.from(user))];
  const security = octets(element(tags.sequence, ...who, octets(Buffer.alloc(digestBytes)), salt));
  const message = element(tags.sequence, integer(version3), header, security, data);
  // The digest's place is before the salt and the data, which end the message.
  const digestAt = message.length - data.length - salt.length - digestBytes;
  if (keys.auth) digestOf(keys.auth.protocol, keys.auth.key, message).copy(message, digestAt);
  return message;
}

/** A message as it came, before anything in it is believed. */
export interface Secured {
  id: number;
  flags: number;
  engine: Engine;
  user: Buffer;
  digest: Buffer;
  salt: Buffer;
  /** A scoped PDU, or the encrypted bytes of one. */
  data: Element;
  whole: Buffer;
}

/**
 * Reads a message of SNMPv3 from outside.
 * @throws NotSnmp when it is none
 */
export function readSecured(datagram: Buffer): Secured {
  const [version, header, security, data, ...more] = messageParts(datagram);
  if (readInteger(version) !== version3 || !data || more.length > 0) throw new NotSnmp();
  const [id, , flagged, model] = partsOf(header, tags.sequence);
  if (readInteger(model) !== userSecurityModel) throw new NotSnmp();
  const [parameters] = partsOf(security, tags.octets);
  const [engineId, boots, time, user, digest, salt] = partsOf(parameters, tags.sequence);
  const octets = (part: Element | undefined) => contentOf(part, tags.octets);
  return {
    id: readInteger(id),
    flags: octets(flagged)[0] ?? 0,
    engine: { id: octets(engineId), boots: readInteger(boots), time: readInteger(time) },
    user: octets(user),
    digest: octets(digest),
    salt: octets(salt),
    data,
    whole: datagram,
  };
}

/**
 * What a message says, and how far it is signed and encrypted with these keys; undefined when it claims to be and is
 * not. What it does not claim is for the caller to miss.
 * @throws NotSnmp when it says nothing
 */
export function openSecured(message: Secured, keys: Keys): { pdu: Pdu; level: number } | undefined {
  const level = message.flags & levelOf(keys);
  if (keys.auth && level & flags.auth && !isSigned(message, keys.auth)) return undefined;
  if (!keys.privacy || !(level & flags.privacy)) return { pdu: scopedPdu(message.data), level };
  const { protocol, key } = keys.privacy;
  const plain = decrypt(protocol, key, message.engine, message.salt, contentOf(message.data, tags.octets));
  // The last block may be filled up with anything.
  return plain && { pdu: scopedPdu(readElement(plain).element), level };
}

function isSigned({ whole, digest }: Secured, { protocol, key }: NonNullable<Keys['auth']>): boolean {
  if (digest.length !== authProtocols[protocol].digestBytes) return false;
  const unsigned = Buffer.from(whole);
  const at = digest.byteOffset - whole.byteOffset;
  unsigned.fill(0, at, at + digest.length);
  return timingSafeEqual(digestOf(protocol, key, unsigned), digest);
}

function scopedPdu(scoped: Element | undefined): Pdu {
  const [, , pdu, ...more] = partsOf(scoped, tags.sequence);
  if (more.length > 0) throw new NotSnmp();
  return readPdu(pdu);
}
