import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';

/** The hashes of authentication, and how many bytes of them a message carries (RFC 3414, 7860). */
export const authProtocols = {
  md5: { hash: 'md5', digestBytes: 12 },
  sha: { hash: 'sha1', digestBytes: 12 },
  sha224: { hash: 'sha224', digestBytes: 16 },
  sha256: { hash: 'sha256', digestBytes: 24 },
  sha384: { hash: 'sha384', digestBytes: 32 },
  sha512: { hash: 'sha512', digestBytes: 48 },
} as const;

/** @see authProtocols */
export type AuthProtocol = keyof typeof authProtocols;

/**
 * The ciphers of privacy (RFC 3414, 3826). No RFC says how a key gets longer than its hash: `aes192` and `aes256` do as
 * draft-blumenthal-aes-usm-04 says, those with a `c` as draft-reeder-snmpv3-usm-3desede-00, which Cisco took.
 */
export const privacyProtocols = {
  // Three times the same key makes DES of triple DES; OpenSSL has DES itself no more.
  des: { cipher: 'des-ede3-cbc', keyBytes: 16, extension: 'none' },
  aes: { cipher: 'aes-128-cfb', keyBytes: 16, extension: 'none' },
  aes192: { cipher: 'aes-192-cfb', keyBytes: 24, extension: 'blumenthal' },
  aes256: { cipher: 'aes-256-cfb', keyBytes: 32, extension: 'blumenthal' },
  aes192c: { cipher: 'aes-192-cfb', keyBytes: 24, extension: 'reeder' },
  aes256c: { cipher: 'aes-256-cfb', keyBytes: 32, extension: 'reeder' },
} as const;

/** @see privacyProtocols */
export type PrivacyProtocol = keyof typeof privacyProtocols;

const desBlockBytes = 8;
/** A password is repeated to so many bytes (RFC 3414, A.2). */
const stretchedBytes = 1_048_576;

const hashOf = (protocol: AuthProtocol, ...parts: readonly Uint8Array[]): Buffer =>
  createHash(authProtocols[protocol].hash).update(Buffer.concat(parts)).digest();

/** The key that a password stands for, before it is bound to an engine. Takes about a millisecond. */
export function masterKey(protocol: AuthProtocol, password: Uint8Array): Buffer {
  return hashOf(protocol, Buffer.alloc(stretchedBytes, password));
}

/** The key for one engine alone (RFC 3414, 2.6). */
export function localKey(protocol: AuthProtocol, master: Buffer, engineId: Buffer): Buffer {
  return hashOf(protocol, master, engineId, master);
}

/** The key of a cipher for one engine, made longer where the hash is too short for it. */
export function privacyKey(protocol: PrivacyProtocol, auth: AuthProtocol, master: Buffer, engineId: Buffer): Buffer {
  const { keyBytes, extension } = privacyProtocols[protocol];
  let last = localKey(auth, master, engineId);
  let key = last;
  while (key.length < keyBytes) {
    last = extension === 'reeder' ? localKey(auth, masterKey(auth, last), engineId) : hashOf(auth, key);
    key = Buffer.concat([key, last]);
  }
  return key.subarray(0, keyBytes);
}

/** The digest of a whole message whose own place for it is zeros. */
export function digestOf(protocol: AuthProtocol, key: Buffer, message: Buffer): Buffer {
  const { hash, digestBytes } = authProtocols[protocol];
  return createHmac(hash, key).update(message).digest().subarray(0, digestBytes);
}

/** What a cipher's start depends on besides its key. */
export interface EngineTime {
  boots: number;
  time: number;
}

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

/** Key and initialisation vector of a message (RFC 3414, 8.1.1.1; RFC 3826, 3.1.2.1). */
function begin(protocol: PrivacyProtocol, key: Buffer, { boots, time }: EngineTime, salt: Buffer): [Buffer, Buffer] {
  if (protocol !== 'des') return [key, Buffer.concat([word(boots), word(time), salt])];
  const [des, start] = [key.subarray(0, desBlockBytes), key.subarray(desBlockBytes)];
  return [Buffer.concat([des, des, des]), Buffer.from(start.map((byte, index) => byte ^ (salt[index] ?? 0)))];
}

/** Encrypts what a message asks. */
export function encrypt(
  protocol: PrivacyProtocol,
  key: Buffer,
  engine: EngineTime,
  plain: Buffer,
): { salt: Buffer; encrypted: Buffer } {
  const salt = protocol === 'des' ? Buffer.concat([word(engine.boots), randomBytes(4)]) : randomBytes(8);
  const padding = protocol === 'des' ? (desBlockBytes - (plain.length % desBlockBytes)) % desBlockBytes : 0;
  const cipher = createCipheriv(privacyProtocols[protocol].cipher, ...begin(protocol, key, engine, salt));
  cipher.setAutoPadding(false);
  const encrypted = Buffer.concat([cipher.update(Buffer.concat([plain, Buffer.alloc(padding)])), cipher.final()]);
  return { salt, encrypted };
}

/** Decrypts what a message answers, with what fills its last block; undefined when it cannot be of this cipher. */
export function decrypt(
  protocol: PrivacyProtocol,
  key: Buffer,
  engine: EngineTime,
  salt: Buffer,
  encrypted: Buffer,
): Buffer | undefined {
  if (salt.length !== 8 || (protocol === 'des' && encrypted.length % desBlockBytes !== 0)) return undefined;
  const decipher = createDecipheriv(privacyProtocols[protocol].cipher, ...begin(protocol, key, engine, salt));
  decipher.setAutoPadding(false);
  return Buffer.concat([decipher.update(encrypted), decipher.final()]);
}
