import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { coreErrors } from './errors/core-errors.js';

/** Seals text that must be kept but not read at rest. */
export interface Sealer {
  /** AES-256-GCM under the newest key; `binding` says what the text belongs to, and is needed again to unseal it. */
  seal(text: string, binding: readonly string[]): string;
  /** Undefined when the key is not known any more, the binding is another, or the text was tampered with. */
  unseal(sealed: string, binding: readonly string[]): string | undefined;
}

const shortestSecret = 32;

/**
 * Refuses secrets that are too short, and a list without any.
 * @throws INVALID_ARGUMENT
 */
export function checkSecrets(secrets: readonly string[]): void {
  const refuse = (reason: string) => coreErrors.INVALID_ARGUMENT({ argument: 'secret', reason });
  if (secrets.length === 0) throw refuse('an empty list is none; leave it out, or name one');
  if (secrets.some((secret) => secret.length < shortestSecret))
    throw refuse(`a secret has at least ${shortestSecret} characters`);
}

/**
 * Makes a sealer of the host's secrets: the first seals, the others are still understood, so that a secret can be
 * replaced and nothing is lost. Keys are derived for each `domain` by HKDF-SHA256 (RFC 5869).
 * @throws INVALID_ARGUMENT for a secret shorter than 32 characters, and for none
 */
export function createSealer(secrets: readonly string[], domain: string): Sealer {
  checkSecrets(secrets);
  const rings = secrets.map((secret) => {
    const derive = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, domain, purpose, 32));
    return { id: createHash('sha256').update(derive('key id')).digest('hex').slice(0, 12), key: derive('seal') };
  });
  const newest = rings[0] as (typeof rings)[number];
  const keys = new Map(rings.map(({ id, key }) => [id, key]));
  const aad = (binding: readonly string[]): Buffer => Buffer.from(JSON.stringify(binding));
  return {
    seal(text, binding) {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', newest.key, iv).setAAD(aad(binding));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return [newest.id, ...[iv, body, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.');
    },
    unseal(sealed, binding) {
      const [id = '', ...parts] = sealed.split('.');
      const key = keys.get(id);
      const [iv, body, tag] = parts.map((part) => Buffer.from(part, 'base64url'));
      if (!key || !iv || !body || !tag) return undefined;
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 })
          .setAAD(aad(binding))
          .setAuthTag(tag);
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
      } catch {
        return undefined;
      }
    },
  };
}
