import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { permissions, type Permission } from '@dotmac/core/contract';
import { hashApiKey, type ApiKeyRecord } from '@dotmac/core/http';
import { z } from 'zod';

const known = new Set<string>(['*', ...permissions]);

/** `key:tenant[:perm+perm]`; permissions hold colons themselves, so only the first two separate. */
const apiKey = z.string().transform((text, context): ApiKeyRecord & { key: string } => {
  const [, key = '', tenantId = '', granted = '*'] = /^([^:]+):([^:]+)(?::(.*))?$/.exec(text) ?? [];
  const names = granted === '' ? [] : granted.split('+');
  const unknown = names.find((name) => !known.has(name));
  if (key === '') context.addIssue('a key is written key:tenant or key:tenant:permission+permission');
  else if (unknown !== undefined) context.addIssue(`there is no permission "${unknown}"`);
  return {
    key,
    hash: hashApiKey(key),
    tenantId,
    actorId: `key:${hashApiKey(key).slice(0, 8)}`,
    permissions: names as (Permission | '*')[],
  };
});

const environment = z
  .object({
    PORT: z.coerce.number().int().min(0).max(65_535).default(3_000),
    HOST: z.string().min(1).default('127.0.0.1'),
    FRAMEWORK: z.enum(['express', 'fastify']).default('express'),
    DATABASE_URL: z.string().min(1).optional(),
    REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
    DOCKER_SOCKET: z.string().default('/var/run/docker.sock'),
    DATA_DIR: z
      .string()
      .min(1)
      .default('./data')
      .transform((path) => resolve(path)),
    RATE_LIMIT: z.coerce.number().int().min(1).default(6_000),
    DOTMAC_API_KEYS: z
      .string()
      .optional()
      .transform((list) => (list ? list.split(',').map((it) => it.trim()) : []))
      .pipe(z.array(apiKey)),
    LOG_LEVEL: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('warn'),
  })
  .transform((env) => {
    const demoKey = env.DOTMAC_API_KEYS.length === 0 ? `demo_${randomBytes(18).toString('base64url')}` : undefined;
    return {
      port: env.PORT,
      host: env.HOST,
      framework: env.FRAMEWORK,
      databaseUrl: env.DATABASE_URL ?? join(env.DATA_DIR, 'operations.db'),
      redisUrl: env.REDIS_URL,
      dockerSocket: env.DOCKER_SOCKET,
      dataDirectory: env.DATA_DIR,
      requestsPerMinute: env.RATE_LIMIT,
      apiKeys: demoKey ? [apiKey.parse(`${demoKey}:demo`)] : env.DOTMAC_API_KEYS,
      /** Set when no keys were configured: the random one to try the API with. */
      demoKey,
      logLevel: env.LOG_LEVEL,
    };
  });

/** What the environment says, checked. */
export type Settings = z.output<typeof environment>;

/** Reads the settings; the error names every variable that is wrong, and never shows a value. */
export function readSettings(env: Record<string, string | undefined>): Settings {
  // An empty variable means "not set", as in compose files.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = environment.safeParse(given);
  if (result.success) return result.data;
  throw new Error(result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'));
}
