import { randomBytes, randomInt } from 'node:crypto';
import { chapPassword, hidePassword, isAuthentic, sign, unsigned } from './authenticity.js';
import { attributeTypes, codes, packetIn, readPacket, writePacket, type Attribute } from './packet.js';
import type { RadiusSettings } from './settings.js';

/** A request as it is sent, with what its answer is held against. */
export interface Request {
  bytes: Buffer;
  identifier: number;
  authenticator: Buffer;
}

/** Writes the request of a check, under these 16 random bytes and this identifier. */
export function writeRequest(
  { method, auth, secret, nas }: RadiusSettings,
  authenticator = randomBytes(16),
  identifier = randomInt(0x100),
): Request {
  const attributes: Attribute[] = [unsigned];
  if (auth) {
    const password = Buffer.from(auth.password);
    attributes.push({ type: attributeTypes.userName, value: Buffer.from(auth.username) });
    attributes.push(
      method === 'chap'
        ? { type: attributeTypes.chapPassword, value: chapPassword(identifier, password, authenticator) }
        : { type: attributeTypes.userPassword, value: hidePassword(password, Buffer.from(secret), authenticator) },
    );
  }
  attributes.push({ type: attributeTypes.nasIdentifier, value: Buffer.from(nas) });
  const code = method === 'status' ? codes.statusServer : codes.accessRequest;
  const bytes = sign(writePacket({ code, identifier, authenticator, attributes }), Buffer.from(secret));
  return { bytes, identifier, authenticator };
}

/** What a server said. */
export interface Answer {
  verdict: 'accept' | 'reject' | 'challenge';
  /** Whether it carried a Message-Authenticator. */
  signed: boolean;
  /** What it has for the user to read. */
  messages: string[];
}

const verdicts: Readonly<Record<number, Answer['verdict']>> = {
  [codes.accessAccept]: 'accept',
  [codes.accessReject]: 'reject',
  [codes.accessChallenge]: 'challenge',
};
/** At the accounting port, Status-Server is answered so (RFC 5997, 4.2). */
const statusVerdicts: Readonly<Record<number, Answer['verdict']>> = {
  [codes.accessAccept]: 'accept',
  [codes.accountingResponse]: 'accept',
};

/**
 * Reads the answer to a request: undefined for what is none, `'unverified'` for one that the secret does not verify.
 * Attributes are looked at after that alone.
 */
export function readAnswer(
  datagram: Buffer,
  request: Request,
  { method, secret }: RadiusSettings,
): Answer | 'unverified' | undefined {
  const bytes = packetIn(datagram);
  if (!bytes || bytes[1] !== request.identifier) return undefined;
  const verdict = (method === 'status' ? statusVerdicts : verdicts)[bytes[0] ?? 0];
  const packet = verdict && readPacket(bytes);
  if (!packet) return undefined;
  if (!isAuthentic(bytes, packet, request.authenticator, Buffer.from(secret))) return 'unverified';
  const of = (wanted: number) => packet.attributes.filter(({ type }) => type === wanted);
  return {
    verdict,
    signed: of(attributeTypes.messageAuthenticator).length > 0,
    messages: of(attributeTypes.replyMessage).map(({ value }) => value.toString('utf8')),
  };
}
