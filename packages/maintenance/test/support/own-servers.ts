import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';

/** A server that a test starts for itself, with settings of its own. */
export interface OwnServer {
  port: number;
  /** Where it keeps what it has. */
  directory: string;
  process: ChildProcess;
  /** Kills it without a word, as a loss of power would, and starts it again on what it has on disk. */
  crash(): Promise<void>;
  /** Ends it, and removes its directory. */
  stop(): Promise<void>;
}

/** Where the next port is looked for: elsewhere in every process, so that none gets one that another just gave up. */
let nextPort = 10_000 + ((process.pid * 97) % 9_900);

/**
 * A port of this machine for nobody but the caller, until it gives it back. It is not one that the system gives to whoever
 * wants any, for a connection of somebody else's would have it before the server does, or while that starts anew. Other
 * processes see that it is taken by the datagram socket of the same number.
 */
async function takePort(): Promise<{ port: number; giveBack: () => void }> {
  for (let tries = 0; tries < 9_900; tries++) {
    const port = nextPort;
    nextPort = nextPort < 19_899 ? nextPort + 1 : 10_000;
    const claim = createSocket('udp4').unref();
    claim.bind({ port, address: '127.0.0.1', exclusive: true });
    const isMine = await once(claim, 'listening').then(
      () => true,
      () => false,
    );
    // The nodes of a cluster talk with each other 10,000 higher.
    let isClosed = false;
    const giveBack = (): void => {
      if (!isClosed) claim.close();
      isClosed = true;
    };
    if (isMine && (await isFree(port)) && (await isFree(port + 10_000))) return { port, giveBack };
    giveBack();
  }
  throw new Error('No port is free between 10000 and 19899.');
}

/** Can somebody listen there? */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Resolves when something listens there, and serves. */
async function listening(port: number, child: ChildProcess, ask: (port: number) => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null) throw new Error(`the server on port ${port} ended by itself`);
    const there = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('connect', () => (socket.destroy(), resolve(true)));
      socket.once('error', () => (socket.destroy(), resolve(false)));
    });
    const serves = (): Promise<boolean> =>
      ask(port).then(
        () => true,
        () => false,
      );
    if (there && (await serves())) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nothing serves on port ${port} after a minute`);
}

/** As whom a program runs, and with what environment. */
interface RunAs {
  uid?: number;
  gid?: number;
  env: NodeJS.ProcessEnv;
}

interface Program {
  command: string;
  /** Whose process it is to be, where the test is root's. */
  user?: string;
  /** Made first, in the directory. */
  prepare?: (directory: string, as: RunAs) => void;
  args: (directory: string, port: number) => string[];
  /** Throws while it listens, and does not serve yet. Default: what listens serves. */
  ask?: (port: number) => Promise<unknown>;
}

/** Starts a server in a directory of its own, on a port of its own. */
async function startServer({
  command,
  user,
  prepare,
  args,
  ask = () => Promise.resolve(),
}: Program): Promise<OwnServer> {
  const directory = await mkdtemp(join(tmpdir(), 'dotmac-server-'));
  // MariaDB removes the temporary tables of whoever shares a directory for them with it, and a server that lost one crashes.
  const env = { ...process.env, TMPDIR: directory };
  const as: RunAs = { env, ...(user !== undefined && process.getuid?.() === 0 ? idsOf(user) : {}) };
  if (as.uid !== undefined && as.gid !== undefined) await chown(directory, as.uid, as.gid);
  prepare?.(directory, as);
  const { port, giveBack } = await takePort();
  const start = () => spawn(command, args(directory, port), { ...as, cwd: directory, stdio: 'ignore' });
  let child = start();
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  const stop = async (): Promise<void> => {
    await kill();
    giveBack();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  const crash = async (): Promise<void> => {
    await kill();
    // Its own children may outlive it for a moment, and keep it from starting anew.
    for (let tries = 1; ; tries++) {
      child = start();
      const failure = await listening(port, child, ask).catch((error: unknown) => error);
      if (failure === undefined) return;
      if (tries >= 50) throw failure as Error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  await listening(port, child, ask).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    port,
    directory,
    get process() {
      return child;
    },
    crash,
    stop,
  };
}

const idsOf = (user: string): { uid: number; gid: number } => {
  const number = (flag: string): number => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  return { uid: number('-u'), gid: number('-g') };
};

const postgresVersions = '/usr/lib/postgresql';
const version = existsSync(postgresVersions) ? readdirSync(postgresVersions).sort().at(-1) : undefined;
const postgresBin = version && join(postgresVersions, version, 'bin');
const onPath = (program: string): string | undefined =>
  [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin'].map((folder) => join(folder, program)).find(existsSync);

/** Which servers can be started here. */
export const startable = {
  postgres: postgresBin !== undefined,
  mariadb: onPath('mariadbd') !== undefined,
  redis: onPath('redis-server') !== undefined,
};

/** PostgreSQL with these settings; the user is `postgres`, who needs no password. */
export function startPostgres(settings: Record<string, string>): Promise<OwnServer> {
  const bin = postgresBin ?? '';
  return startServer({
    command: join(bin, 'postgres'),
    user: 'postgres',
    prepare: (directory, as) =>
      execFileSync(join(bin, 'initdb'), ['-D', join(directory, 'data'), '-U', 'postgres', '-A', 'trust', '--no-sync'], {
        ...as,
        stdio: 'ignore',
        cwd: directory,
      }),
    args: (directory, port) => postgresArgs(directory, port, settings),
    ask: askPostgres,
  });
}

/** PostgreSQL listens while it is still starting up. */
async function askPostgres(port: number): Promise<void> {
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  client.on('error', () => undefined);
  await client.connect();
  await client.end();
}

/** A standby that follows the PostgreSQL on that port, with these settings. */
export function startStandby(primaryPort: number, settings: Record<string, string>): Promise<OwnServer> {
  const bin = postgresBin ?? '';
  return startServer({
    command: join(bin, 'postgres'),
    user: 'postgres',
    prepare(directory, as) {
      const copying = ['-h', '127.0.0.1', '-p', String(primaryPort), '-U', 'postgres', '-D', join(directory, 'data')];
      const words = [...copying, '--write-recovery-conf', '--wal-method=stream', '--checkpoint=fast', '--no-sync'];
      execFileSync(join(bin, 'pg_basebackup'), words, { ...as, stdio: 'ignore', cwd: directory });
    },
    args: (directory, port) => postgresArgs(directory, port, settings),
    ask: askPostgres,
  });
}

const postgresArgs = (directory: string, port: number, settings: Record<string, string>): string[] => [
  ...['-D', join(directory, 'data'), '-p', String(port), '-k', directory, '-h', '127.0.0.1', '-c', 'fsync=off'],
  ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
];

/** MariaDB with these options; the user is `root`, who needs no password. */
export function startMariadb(options: string[]): Promise<OwnServer> {
  return startServer({
    command: onPath('mariadbd') ?? 'mariadbd',
    user: 'mysql',
    prepare: (directory, as) =>
      execFileSync(
        onPath('mariadb-install-db') ?? 'mariadb-install-db',
        ['--no-defaults', `--datadir=${directory}/data`, '--auth-root-authentication-method=normal', '--skip-test-db'],
        { ...as, stdio: 'ignore', cwd: directory },
      ),
    args: (directory, port) => [
      ...['--no-defaults', `--datadir=${directory}/data`, `--socket=${directory}/socket`, `--port=${port}`],
      ...['--bind-address=127.0.0.1', '--innodb-buffer-pool-size=16M', ...options],
    ],
  });
}

/** Redis with these options, keeping nothing on disk. */
export function startRedis(options: string[]): Promise<OwnServer> {
  return startServer({
    command: onPath('redis-server') ?? 'redis-server',
    args: (directory, port) => [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'no'],
      ...options,
    ],
  });
}

/**
 * A sentinel that watches over the Redis on that port, under the name `main`. It is not to take a machine that pauses for
 * one that is down: whoever stops the primary has to tell it to be less patient.
 */
export function startSentinel(primaryPort: number): Promise<OwnServer> {
  return startServer({
    command: onPath('redis-server') ?? 'redis-server',
    prepare: (directory) =>
      writeFileSync(
        join(directory, 'sentinel.conf'),
        [
          `sentinel monitor main 127.0.0.1 ${primaryPort} 1`,
          'sentinel down-after-milliseconds main 600000',
          'sentinel failover-timeout main 5000',
          '',
        ].join('\n'),
      ),
    args: (directory, port) => [
      ...[
        join(directory, 'sentinel.conf'),
        '--sentinel',
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--dir',
        directory,
      ],
    ],
  });
}
