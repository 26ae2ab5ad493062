import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { attributeTypes, headerBytes, type Packet } from './packet.js';

const md5 = (...parts: readonly Uint8Array[]): Buffer => createHash('md5').update(Buffer.concat(parts)).digest();
const blockBytes = 16;

/** Hides a password of 1 to 128 bytes (RFC 2865, 5.2). Zeros at its end are lost: they are the padding. */
export function hidePassword(password: Buffer, secret: Buffer, authenticator: Buffer): Buffer {
  const padded = Buffer.alloc(Math.max(1, Math.ceil(password.length / blockBytes)) * blockBytes);
  password.copy(padded);
  let previous = authenticator;
  for (let at = 0; at < padded.length; at += blockBytes) {
    const mask = md5(secret, previous);
    previous = padded.subarray(at, at + blockBytes);
    for (let index = 0; index < blockBytes; index++) previous[index]! ^= mask[index]!;
  }
  return padded;
}

/** What CHAP sends in place of a password; the request's authenticator is the challenge (RFC 2865, 5.3). */
export function chapPassword(identifier: number, password: Buffer, authenticator: Buffer): Buffer {
  const id = Buffer.from([identifier]);
  return Buffer.concat([id, md5(id, password, authenticator)]);
}

/** A Message-Authenticator for {@link sign} to fill in. */
export const unsigned = { type: attributeTypes.messageAuthenticator, value: Buffer.alloc(blockBytes) };

/** Signs a request whose first attribute is {@link unsigned} (RFC 3579, 3.2). First, so that nothing can precede it. */
export function sign(request: Buffer, secret: Buffer): Buffer {
  createHmac('md5', secret)
    .update(request)
    .digest()
    .copy(request, headerBytes + 2);
  return request;
}

/**
 * Whether an answer was made by somebody who has the secret, for this request: by its authenticator (RFC 2865, 3) and
 * by its Message-Authenticator, when it has one.
 */
export function isAuthentic(bytes: Buffer, { attributes }: Packet, requested: Buffer, secret: Buffer): boolean {
  const head = bytes.subarray(0, 4);
  const body = bytes.subarray(headerBytes);
  if (!timingSafeEqual(md5(head, requested, body, secret), bytes.subarray(4, headerBytes))) return false;
  const signatures = attributes.filter(({ type }) => type === attributeTypes.messageAuthenticator);
  const [signature] = signatures;
  if (!signature) return true;
  if (signatures.length > 1 || signature.value.length !== blockBytes) return false;
  const signed = Buffer.concat([head, requested, body]);
  const at = signature.value.byteOffset - bytes.byteOffset;
  signed.fill(0, at, at + blockBytes);
  return timingSafeEqual(createHmac('md5', secret).update(signed).digest(), signature.value);
}
