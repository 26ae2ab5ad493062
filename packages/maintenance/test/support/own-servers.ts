import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A server that a test starts for itself, with settings of its own. */
export interface OwnServer {
  port: number;
  /** Where it keeps what it has. */
  directory: string;
  process: ChildProcess;
  /** Ends it, and removes its directory. */
  stop(): Promise<void>;
}

/** A port of this machine that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Resolves when something listens there. */
async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null) throw new Error(`the server on port ${port} ended by itself`);
    const there = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('connect', () => (socket.destroy(), resolve(true)));
      socket.once('error', () => (socket.destroy(), resolve(false)));
    });
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nothing listens on port ${port} after a minute`);
}

interface Program {
  command: string;
  /** Whose process it is to be, where the test is root's. */
  user?: string;
  /** Made first, in the directory. */
  prepare?: (directory: string, as: { uid?: number; gid?: number }) => void;
  args: (directory: string, port: number) => string[];
}

/** Starts a server in a directory of its own, on a port of its own. */
async function startServer({ command, user, prepare, args }: Program): Promise<OwnServer> {
  const directory = await mkdtemp(join(tmpdir(), 'dotmac-server-'));
  const as: { uid?: number; gid?: number } = user !== undefined && process.getuid?.() === 0 ? idsOf(user) : {};
  if (as.uid !== undefined && as.gid !== undefined) await chown(directory, as.uid, as.gid);
  prepare?.(directory, as);
  const port = await freePort();
  const child = spawn(command, args(directory, port), { ...as, cwd: directory, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await ended;
    }
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  await listening(port, child).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { port, directory, process: child, stop };
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
    args: (directory, port) => [
      ...['-D', join(directory, 'data'), '-p', String(port), '-k', directory, '-h', '127.0.0.1', '-c', 'fsync=off'],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
  });
}

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

/** A sentinel that watches over the Redis on that port, under the name `main`. */
export function startSentinel(primaryPort: number): Promise<OwnServer> {
  return startServer({
    command: onPath('redis-server') ?? 'redis-server',
    prepare: (directory) =>
      writeFileSync(
        join(directory, 'sentinel.conf'),
        [
          `sentinel monitor main 127.0.0.1 ${primaryPort} 1`,
          'sentinel down-after-milliseconds main 1000',
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
