import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  randomInt,
  timingSafeEqual,
} from 'node:crypto';
import { coreErrors } from '@dotmac/core';
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
}

interface Keys {
  id: string;
  hmac: Buffer;
  seal: Buffer;
}

const shortestSecret = 32;

/**
 * Makes a keyring of the host's secrets: the first is used, the others are still understood, so that a secret can be
 * replaced without a token lost. Without any, a random one lasts as long as the process: tokens issued or waiting to be
 * sent before a restart are void after it.
 * @throws INVALID_ARGUMENT for a secret shorter than 32 characters
 */
export function createKeyring(secrets: readonly string[]): Keyring {
  for (const secret of secrets)
    if (secret.length < shortestSecret)
      throw coreErrors.INVALID_ARGUMENT({
        argument: 'secret',
        reason: `a secret has at least ${shortestSecret} characters`,
      });
  const rings = (secrets.length > 0 ? secrets : [randomBytes(32).toString('hex')]).map(keysOf);
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
    seal(token, binding) {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', newest.seal, iv).setAAD(textOf(binding));
      const text = Buffer.concat([cipher.update(token, 'utf8'), cipher.final()]);
      return [
        newest.id,
        iv.toString('base64url'),
        text.toString('base64url'),
        cipher.getAuthTag().toString('base64url'),
      ].join('.');
    },
    unseal(sealed, binding) {
      const [keyId = '', iv = '', text = '', tag = ''] = sealed.split('.');
      const keys = known.get(keyId);
      if (!keys) return undefined;
      try {
        const decipher = createDecipheriv('aes-256-gcm', keys.seal, Buffer.from(iv, 'base64url'), { authTagLength: 16 })
          .setAAD(textOf(binding))
          .setAuthTag(Buffer.from(tag, 'base64url'));
        return Buffer.concat([decipher.update(Buffer.from(text, 'base64url')), decipher.final()]).toString('utf8');
      } catch {
        return undefined;
      }
    },
  };
}

function keysOf(secret: string): Keys {
  const derive = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, 'dotmac lifecycle', purpose, 32));
  const hmac = derive('verification token hmac');
  const id = createHash('sha256').update(derive('verification key id')).digest('hex').slice(0, 12);
  return { id, hmac, seal: derive('verification token seal') };
}

function hmacOf({ hmac }: Keys, token: string, binding: TokenBinding): string {
  return createHmac('sha256', hmac).update(textOf(binding)).update('\0').update(token).digest('hex');
}

function textOf({ tenantId, customerId, channel, address, tokenId }: TokenBinding): Buffer {
  return Buffer.from(JSON.stringify([tenantId, customerId, channel, address, tokenId]));
}

/** A new token: 256 bits for a link in an email, six digits for a telephone. */
export function newToken(channel: Channel): string {
  return channel === 'email' ? randomBytes(32).toString('base64url') : String(randomInt(1_000_000)).padStart(6, '0');
}
