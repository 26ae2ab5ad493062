import { createHash } from 'node:crypto';
import { masterKey, type AuthProtocol } from './security.js';

/** Gives the key that a password stands for. */
export type Keyring = (protocol: AuthProtocol, password: string) => Buffer;

/**
 * Remembers the last keys that were made, for making one takes a millisecond of the whole process. Engines play no part
 * in it: an agent that gives itself another name each time costs nothing.
 */
export function createKeyring(most = 1_000): Keyring {
  const keys = new Map<string, Buffer>();
  return (protocol, password) => {
    const name = `${protocol} ${createHash('sha256').update(password).digest('base64')}`;
    const known = keys.get(name);
    const key = known ?? masterKey(protocol, Buffer.from(password));
    // The one that was used longest ago is the first to go.
    keys.delete(name);
    keys.set(name, key);
    const [oldest] = keys.keys();
    if (keys.size > most && oldest !== undefined) keys.delete(oldest);
    return key;
  };
}
