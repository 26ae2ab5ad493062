import { rootCertificates } from 'node:tls';
import type { ConnectionParts } from '@dotmac/core/kysely';
import type { tlsOf } from './server.js';

/** Whose a server is, or a program. Programs' names do not say: Debian's `mysqldump` is MariaDB's. */
export type Maker = 'mariadb' | 'mysql';

/** @param version what a server says of its version, or a program of its own */
export const makerOf = (version: string): Maker => (version.includes('MariaDB') ? 'mariadb' : 'mysql');

/** Names of programs in the order in which they are looked for: those that a server's maker gave its own come first. */
export function ownFirst(programs: readonly string[], server: Maker): string[] {
  const own = (program: string): boolean => program.startsWith('mariadb') === (server === 'mariadb');
  return [...programs.filter(own), ...programs.filter((program) => !own(program))];
}

/** Options are a file's lines; each maker's programs refuse those that only the other's know. */
const makers: Record<Maker, { tls: Record<ReturnType<typeof tlsOf>, string[]>; dump: string[] }> = {
  mariadb: {
    tls: { off: [], unverified: ['ssl'], verified: ['ssl', 'ssl-verify-server-cert'] },
    dump: [],
  },
  mysql: {
    tls: {
      // Without TLS, the server's key is what a password is sent under.
      off: ['ssl-mode=DISABLED', 'get-server-public-key'],
      unverified: ['ssl-mode=REQUIRED'],
      verified: ['ssl-mode=VERIFY_IDENTITY'],
    },
    // What the whole server has seen is no part of one database, and cannot be set where a dump is restored.
    dump: ['--set-gtid-purged=OFF'],
  },
};

/** An option's value: quoted, so that nothing in it ends it or begins a comment. */
const quoted = (value: string): string => `"${value.replace(/[\\"]/g, (it) => `\\${it}`)}"`;

/** How a maker's programs reach a server: the content of an option file. */
export function clientOptions(
  maker: Maker,
  { host, port, user, password = '' }: Omit<ConnectionParts, 'database' | 'ssl'>,
  { tls, caFile }: { tls: ReturnType<typeof tlsOf>; caFile: string | undefined },
): string {
  const lines = [
    '[client]',
    'protocol=tcp',
    `host=${quoted(host)}`,
    `port=${port}`,
    `user=${quoted(user)}`,
    `password=${quoted(password)}`,
    'default-character-set=utf8mb4',
    ...makers[maker].tls[tls],
    ...(caFile === undefined ? [] : [`ssl-ca=${quoted(caFile)}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * The certificates that a server's is verified with, when they are to be in a file. MySQL's programs look nowhere of
 * themselves: they get those that this runtime, and so its driver, goes by.
 */
export function certificatesFor(maker: Maker, tls: ReturnType<typeof tlsOf>, ca: string | undefined) {
  return ca ?? (maker === 'mysql' && tls === 'verified' ? rootCertificates.join('\n') : undefined);
}

/** InnoDB's tables as of one instant, without locking them. */
export const dumpOptions = (maker: Maker): string[] => [
  '--single-transaction',
  '--quick',
  '--skip-lock-tables',
  '--hex-blob',
  '--no-tablespaces',
  '--skip-dump-date',
  ...makers[maker].dump,
];

/**
 * Whether a maker's program dumps a database so that its server takes it back. MariaDB's writes what was computed into
 * the rows, which MySQL refuses.
 */
export const canDump = (maker: Maker, { server, computes }: { server: Maker; computes: boolean }): boolean =>
  maker === 'mysql' || server === 'mariadb' || !computes;
