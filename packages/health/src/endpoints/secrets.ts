import { isDeepStrictEqual } from 'node:util';
import type { Sealer } from '@dotmac/core';
import { invalidInput } from '@dotmac/core/contract';
import { follow } from '../conditions/path.js';

/** Where a secret is put: `${secrets.token}`. */
const placeholder = /\$\{secrets\.([a-z][a-z0-9_]{0,39})\}/g;

/** Every string in a configuration, and where it is. */
function* texts(value: unknown, path: readonly string[] = []): Generator<{ path: readonly string[]; text: string }> {
  if (typeof value === 'string') yield { path, text: value };
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) yield* texts(item, [...path, key]);
}

/** The names of the secrets that a configuration speaks of. */
export function secretsNamed(config: unknown): ReadonlySet<string> {
  return new Set(
    [...texts(config)].flatMap(({ text }) => [...text.matchAll(placeholder)].map(([, name = '']) => name)),
  );
}

/** Where a configuration names a secret. */
export function placesOfSecrets(config: unknown): string[][] {
  return [...texts(config)].flatMap(({ path, text }) => (secretsNamed(text).size > 0 ? [[...path]] : []));
}

/** A configuration with its secrets put in. */
export function withSecrets<Value>(value: Value, secrets: Readonly<Record<string, string>>): Value {
  if (typeof value === 'string')
    return value.replace(placeholder, (whole, name: string) => secrets[name] ?? whole) as Value;
  if (Array.isArray(value)) return value.map((item: unknown) => withSecrets(item, secrets)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withSecrets(item, secrets)])) as Value;
}

/** What a secret belongs to: read for another endpoint or another target, it does not open. */
export interface SecretOrigin {
  tenantId: string;
  id: string;
  serviceType: string;
  host: string | null;
  port: number | null;
  config: Readonly<Record<string, unknown>>;
}

const userPath = ['auth', 'username'];
const verifyPath = ['tls', 'verify'];

function bindingOf({ tenantId, id, serviceType, host, port, config }: SecretOrigin): string[] {
  const user = follow(userPath, config);
  return [
    ...[tenantId, id, serviceType, host ?? '', String(port ?? ''), typeof user === 'string' ? user : ''],
    // Behind one address many may live: the one who is asked for by name reads it.
    ...namedHosts(config).map((name) => `host: ${name}`),
    // Unverified, anybody in between could read it.
    ...(follow(verifyPath, config) === false ? ['unverified'] : []),
  ];
}

/** Whom an HTTP request asks for, if it says so itself. */
function namedHosts({ headers }: SecretOrigin['config']): string[] {
  if (typeof headers !== 'object' || headers === null) return [];
  const named = Object.entries(headers).filter(([name]) => name.toLowerCase() === 'host');
  return named.map(([, value]) => String(value)).sort();
}

/** Whether two are the same as far as their secrets go: nobody gets a secret by pointing its endpoint elsewhere. */
export function sameOrigin(one: SecretOrigin, other: SecretOrigin): boolean {
  return isDeepStrictEqual(bindingOf(one), bindingOf(other));
}

/**
 * Whether secrets may go along with a change: to the same target, which is verified as well as before. Without TLS, or by
 * another authority or name, somebody else could answer in its place.
 */
export function keepsSecrets(before: SecretOrigin, after: SecretOrigin): boolean {
  if (!sameOrigin(before, after)) return false;
  const [was, is] = [verificationOf(before), verificationOf(after)];
  return !was || isDeepStrictEqual(was, is);
}

/** By whom and as whom a target is verified; undefined when it is asked in the open. */
function verificationOf({ serviceType, config }: SecretOrigin): unknown[] | undefined {
  const speaksTls = ['https', 'tls'].includes(serviceType) || config['tls'] !== undefined || config['secure'] === true;
  if (!speaksTls && (config['starttls'] ?? false) === false) return undefined;
  const under = serviceType === 'tls' ? [] : ['tls'];
  return ['servername', 'ca'].map((name) => follow([...under, name], config) ?? null);
}

/** Seals each secret for its endpoint. @throws INVALID_INPUT when there are some, and nothing to seal them with */
export function sealSecrets(
  sealer: Sealer | undefined,
  origin: SecretOrigin,
  secrets: Readonly<Record<string, string>>,
): Record<string, string> {
  const given = Object.entries(secrets);
  if (given.length === 0) return {};
  if (!sealer)
    throw invalidInput([{ path: 'secrets', message: 'The host application set no secret to seal them with' }]);
  return Object.fromEntries(given.map(([name, text]) => [name, sealer.seal(text, bindingOf(origin))]));
}

/** Opens an endpoint's secrets; undefined when one of them cannot be opened any more. */
export function unsealSecrets(
  sealer: Sealer | undefined,
  origin: SecretOrigin,
  sealed: Readonly<Record<string, string>>,
): Record<string, string> | undefined {
  const opened: Record<string, string> = {};
  for (const [name, text] of Object.entries(sealed)) {
    const secret = sealer?.unseal(text, bindingOf(origin));
    if (secret === undefined) return undefined;
    opened[name] = secret;
  }
  return opened;
}
