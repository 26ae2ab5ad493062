import { coreErrors, isOperationError, type StopSignal } from '@dotmac/core';
import {
  ConnectFailure,
  connectFailureOf,
  isConnectFailure,
  mysqlStream,
  mysqlTls,
  pgStream,
  pgTls,
  type ConnectTls,
} from '@dotmac/core/net';
import type { Socket } from 'node:net';
import { CannotCheck, isCannotCheck, isWrongAnswer, WrongAnswer } from '../probes/probe.js';
import { guardHearing, onSecured, unspoken } from './guard-hearing.js';
import { loginToRedis } from './redis-server.js';
import { askRedis } from './redis.js';
import type { ServiceFacts } from './service-check.js';
import { shownVersion } from './shown.js';

/** Servers that can be logged in to. */
export type ServerProtocol = 'postgres' | 'mysql' | 'redis';

/** Whom to be, and what of a server to ask for. */
export interface ServerLogin {
  /** Default, for PostgreSQL: `postgres`. */
  user?: string | undefined;
  password?: string | undefined;
  /** Of Redis, its number. Default, for PostgreSQL: that of the user's name. */
  database?: string | undefined;
  /** How the driver agrees on TLS; a socket to Redis has it already. */
  tls?: ConnectTls | undefined;
}

/** What an asker speaks over. */
interface Line {
  host: string;
  port: number;
  socket: Socket;
  timeoutMs: number;
}

/** What a driver hears over a socket goes through this. */
type Guard = (socket: Socket) => void;

/** Drivers are loaded when a check needs them. */
const load = async <Module>(packageName: string, load: () => Promise<Module>): Promise<Module> =>
  load().catch((cause: unknown) => {
    throw coreErrors.DRIVER_MISSING({ packageName, purpose: 'Checking this service' }, { cause });
  });

const asks: Record<
  ServerProtocol,
  (login: ServerLogin, line: Line, guard: Guard, signal: StopSignal) => Promise<ServiceFacts>
> = {
  async postgres({ user = 'postgres', password = '', database = user, tls }, { host, port, socket, timeoutMs }, guard) {
    const { default: pg } = await load('pg', () => import('pg'));
    const name = tls?.servername ?? host;
    const client = new pg.Client({
      host: name,
      port,
      user,
      // As a function: for no password at all the driver takes PGPASSWORD or ~/.pgpass, which are this process's own.
      password: () => password,
      database,
      application_name: 'dotmac',
      stream: pgStream(socket),
      ssl: tls ? pgTls(tls, name) : false,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
    });
    client.on('error', () => undefined);
    // No part of what either driver promises, and the only place where it can be had.
    onSecured((client as unknown as { connection: { stream: Socket } }).connection, guard);
    try {
      await client.connect();
      const { rows } = await client.query<{ version: string }>("select current_setting('server_version') as version");
      return { dialect: 'postgres', version: shownVersion(rows[0]?.version) };
    } finally {
      await client.end().catch(() => undefined);
    }
  },
  async mysql({ user, password, database, tls }, { host, port, socket, timeoutMs }, guard) {
    const { createConnection } = await load('mysql2', () => import('mysql2'));
    const name = tls?.servername ?? host;
    const ssl = tls && mysqlTls(tls, name);
    if (ssl === 'unverifiable')
      throw new CannotCheck('MySQL at an address needs the name in its certificate', { code: 'tls_name_missing' });
    const connection = createConnection({
      host: name,
      port,
      user,
      password,
      database,
      stream: mysqlStream(socket),
      ...(ssl && { ssl }),
      connectTimeout: timeoutMs,
      // A rogue server must not be able to ask for our files or for the password in clear.
      flags: ['-LOCAL_FILES'],
      authPlugins: {},
    });
    // It may tell twice that it was hung up on, and the second time nobody waits any more.
    connection.on('error', () => undefined);
    onSecured(connection as unknown as { stream: Socket }, guard);
    const asked = connection.promise();
    try {
      await asked.connect();
      const [rows] = await asked.query({ sql: 'select version() as version', timeout: timeoutMs });
      return { dialect: 'mysql', version: shownVersion((rows as { version: string }[])[0]?.version) };
    } finally {
      connection.destroy();
    }
  },
  redis: async (login, { socket }, _, signal) => askRedis(await loginToRedis(login, socket, signal)),
};

/**
 * Logs in to a server over a socket that is connected already, asks it something real, and closes the socket. The driver
 * gets no way of its own to anywhere.
 * @throws what is wrong with the server, in our own words; DRIVER_MISSING
 */
export async function askServer(
  protocol: ServerProtocol,
  login: ServerLogin,
  line: Line,
  signal: StopSignal,
): Promise<ServiceFacts> {
  const { socket } = line;
  const close = (): void => void socket.destroy();
  signal.addEventListener('abort', close, { once: true });
  let wrong: WrongAnswer | undefined;
  const guard: Guard = (heard) =>
    guardHearing(heard, (why) => {
      wrong ??= why;
      close();
    });
  guard(socket);
  const heardBefore = socket.bytesRead;
  // Drivers listen for what happens while they ask, and not all of them for what comes of hanging up.
  socket.on('error', () => undefined);
  try {
    if (signal.aborted) close();
    return await asks[protocol](login, line, guard, signal);
  } catch (error) {
    if (wrong) throw wrong;
    if (signal.aborted) throw connectFailureOf(signal.reason);
    throw meaningOf(error, socket.bytesRead > heardBefore ? undefined : silenceOf(socket));
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

/** What it is when nothing was said: a connection that was closed, or a driver that is out of patience. */
function silenceOf({ readableEnded, errored }: Socket): ConnectFailure {
  return new ConnectFailure(readableEnded || errored ? 'reset' : 'timeout');
}

/** The driver's error object holds what must not leave; only its class is looked at. */
function meaningOf(error: unknown, silence: ConnectFailure | undefined): unknown {
  if ([isConnectFailure, isWrongAnswer, isCannotCheck, isOperationError].some((is) => is(error))) return error;
  const { code, errno, message } = error as Partial<Record<'code' | 'errno' | 'message', unknown>>;
  // MySQL counts its errors up, the system down: EPIPE could be a code of PostgreSQL's.
  const number = typeof errno === 'number' ? errno : 0;
  const answered =
    number > 0 ||
    (number === 0 && typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) ||
    // pg, for a password that it has not got.
    (typeof message === 'string' && message.startsWith('SASL: '));
  if (answered) return new WrongAnswer('The service refused the login or the query', { code: 'service_refused' });
  const failure = connectFailureOf(error);
  if (failure.code !== 'failed') return failure;
  return silence ?? unspoken();
}
