import { coreErrors } from '@dotmac/core';
import {
  isConnectFailure,
  mysqlStream,
  parseConnectionString,
  pgStream,
  redisConnector,
  type ConnectionTarget,
  type Connector,
} from '@dotmac/core/net';
import { WrongAnswer } from '../probes/probe.js';
import { askRedis } from './redis.js';
import type { ServiceFacts } from './service-check.js';
import type { ServiceTarget } from './target.js';

type Ask = (
  target: ConnectionTarget,
  socket: Awaited<ReturnType<Connector['connect']>>['socket'],
  timeoutMs: number,
) => Promise<ServiceFacts>;

const ssl = ({ tls, verify, host }: ConnectionTarget) =>
  tls ? { rejectUnauthorized: verify, servername: host } : undefined;

/** Drivers are loaded when a check needs them. */
const load = async <Module>(packageName: string, load: () => Promise<Module>): Promise<Module> =>
  load().catch((cause: unknown) => {
    throw coreErrors.DRIVER_MISSING({ packageName, purpose: 'Checking this service' }, { cause });
  });

const asks: Record<ConnectionTarget['protocol'], Ask> = {
  async postgres(target, socket, timeoutMs) {
    const { default: pg } = await load('pg', () => import('pg'));
    const { host, port, user, password, database } = target;
    const client = new pg.Client({
      host,
      port,
      user,
      password,
      database,
      stream: pgStream(socket),
      ssl: ssl(target) ?? false,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ version: string }>("select current_setting('server_version') as version");
      return { dialect: 'postgres', version: rows[0]?.version ?? '' };
    } finally {
      await client.end().catch(() => undefined);
    }
  },
  async mysql(target, socket, timeoutMs) {
    const { createConnection } = await load('mysql2', () => import('mysql2/promise'));
    const { host, port, user, password, database } = target;
    const tls = ssl(target);
    const connection = await createConnection({
      host,
      port,
      user,
      password,
      database,
      stream: mysqlStream(socket),
      ...(tls && { ssl: tls }),
      connectTimeout: timeoutMs,
      // A rogue server must not be able to ask for our files or for the password in clear.
      flags: ['-LOCAL_FILES'],
      authPlugins: {},
    });
    connection.on('error', () => undefined);
    try {
      const [rows] = await connection.query({ sql: 'select version() as version', timeout: timeoutMs });
      return { dialect: 'mysql', version: String((rows as { version: string }[])[0]?.version) };
    } finally {
      connection.destroy();
    }
  },
  async redis({ host, port, user, password, database }, socket, timeoutMs) {
    const { Redis } = await load('ioredis', () => import('ioredis'));
    const client = new Redis({
      host,
      port,
      username: user,
      password,
      db: Number(database ?? 0),
      Connector: redisConnector(socket),
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      commandTimeout: timeoutMs,
      lazyConnect: true,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await askRedis(client);
    } finally {
      client.disconnect();
    }
  },
};

/**
 * A service named by a connection string from a request. The string is read into our own fields, the socket comes
 * from the guarded connector, and the driver speaks over that socket alone.
 * @throws INVALID_ARGUMENT for a string that is none; it never repeats any of it
 */
export function adHocTarget(
  connectionString: string,
  serviceType: 'database' | 'redis',
  connector: Connector,
  timeoutMs: number,
): ServiceTarget {
  const target = parseConnectionString(connectionString);
  if ((target.protocol === 'redis') !== (serviceType === 'redis'))
    throw coreErrors.INVALID_ARGUMENT({ argument: 'connection_string', reason: `it names no ${serviceType}` });
  const { protocol, host, port, tls, verify } = target;
  return {
    serviceType,
    async check(signal) {
      const secured = protocol === 'redis' && tls ? { tls: { servername: host, rejectUnauthorized: verify } } : {};
      // Before the check's own deadline, so that a silent name server of ours is seen to be that.
      const { socket } = await connector.connect({ host, port, timeoutMs: 0.9 * timeoutMs, signal, ...secured });
      const close = (): void => void socket.destroy();
      signal.addEventListener('abort', close, { once: true });
      try {
        return { facts: await asks[protocol](target, socket, timeoutMs) };
      } catch (error) {
        throw meaningOf(error);
      } finally {
        signal.removeEventListener('abort', close);
        close();
      }
    },
  };
}

/** The driver's error object holds what must not leave; only its class is looked at. */
function meaningOf(error: unknown): unknown {
  if (isConnectFailure(error) || error instanceof WrongAnswer) return error;
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  const answered =
    typeof errno === 'number' && errno > 0 ? true : typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code);
  if (answered || (error as { name?: unknown }).name === 'ReplyError')
    return new WrongAnswer('The service refused the login or the query', null);
  return new WrongAnswer('The service does not speak the expected protocol', null);
}
