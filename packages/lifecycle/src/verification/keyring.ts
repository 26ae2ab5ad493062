import { createHash, createHmac, hkdfSync, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { checkSecrets, createSealer } from '@dotmac/core';
import type { Channel } from './channel.js';

/** What a token is bound to: moved to anything else, it does not verify. */
export interface TokenBinding {
  tenantId: string;
  customerId: string;
  channel: Channel;
  address: string;
  tokenId: string;
}

/** Hashes and seals tokens. */
export interface Keyring {
  /** HMAC-SHA256 of a token under the newest key. */
  hash(token: string, binding: TokenBinding): { keyId: string; hash: string };
  /** Compares in constant time; false also when the key is not known any more. */
  matches(token: string, binding: TokenBinding, stored: { keyId: string; hash: string }): boolean;
  /** AES-256-GCM under the newest key. */
  seal(token: string, binding: TokenBinding): string;
  /** Undefined when the key is not known any more, or the text was tampered with. */
  unseal(sealed: string, binding: TokenBinding): string | undefined;
  /** HMAC-SHA256 of a text under the newest key, for {@link isSigned}. */
  sign(text: string): string;
  /** The same under every key that is known, the newest first. */
  signatures(text: string): string[];
  /** Was the text signed under a key that is still known? */
  isSigned(text: string, signature: string): boolean;
}

interface Keys {
  id: string;
  hmac: Buffer;
  /** Of what is signed and not kept. */
  signing: Buffer;
}

/**
 * Makes a keyring of the host's secrets: the first is used, the others are still understood, so that a secret can be
 * replaced without a token lost. Without any, a random one lasts as long as the process: tokens issued or waiting to be
 * sent before a restart are void after it.
 * @throws INVALID_ARGUMENT for a secret shorter than 32 characters
 */
export function createKeyring(secrets: readonly string[]): Keyring {
  const own = secrets.length > 0 ? secrets : [randomBytes(32).toString('hex')];
  checkSecrets(own);
  const sealer = createSealer(own, 'dotmac lifecycle verification');
  const rings = own.map(keysOf);
  const newest = rings[0] as Keys;
  const known = new Map(rings.map((keys) => [keys.id, keys]));

  return {
    hash: (token, binding) => ({ keyId: newest.id, hash: hmacOf(newest, token, binding) }),
    matches(token, binding, { keyId, hash }) {
      const keys = known.get(keyId);
      // An unknown key takes as long as a known one.
      const expected = Buffer.from(hmacOf(keys ?? newest, token, binding), 'hex');
      const stored = Buffer.from(hash, 'hex');
      return stored.length === expected.length && timingSafeEqual(stored, expected) && keys !== undefined;
    },
    seal: (token, binding) => sealer.seal(token, partsOf(binding)),
    unseal: (sealed, binding) => sealer.unseal(sealed, partsOf(binding)),
    sign: (text) => signatureOf(newest, text).toString('base64url'),
    signatures: (text) => rings.map((keys) => signatureOf(keys, text).toString('base64url')),
    isSigned(text, signature) {
      const given = Buffer.from(signature, 'base64url');
      return rings.some((keys) => {
        const expected = signatureOf(keys, text);
        return given.length === expected.length && timingSafeEqual(given, expected);
      });
    },
  };
}

function keysOf(secret: string): Keys {
  const derive = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, 'dotmac lifecycle', purpose, 32));
  const hmac = derive('verification token hmac');
  const id = createHash('sha256').update(derive('verification key id')).digest('hex').slice(0, 12);
  return { id, hmac, signing: derive('completion token hmac') };
}

function signatureOf({ signing }: Keys, text: string): Buffer {
  return createHmac('sha256', signing).update(text).digest();
}

function hmacOf({ hmac }: Keys, token: string, binding: TokenBinding): string {
  return createHmac('sha256', hmac)
    .update(JSON.stringify(partsOf(binding)))
    .update('\0')
    .update(token)
    .digest('hex');
}

function partsOf({ tenantId, customerId, channel, address, tokenId }: TokenBinding): string[] {
  return [tenantId, customerId, channel, address, tokenId];
}

/** What customers are given to prove that an address is theirs. */
export type TokenKind = 'link' | 'code';

/** A new token: 256 bits for a link, six digits for a code. */
export function newToken(kind: TokenKind): string {
  return kind === 'link' ? randomBytes(32).toString('base64url') : String(randomInt(1_000_000)).padStart(6, '0');
}
