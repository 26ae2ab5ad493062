import { createHash, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { Clock } from '@dotmac/core';
import { databaseFromUrl, isConnectionError, type ConnectionParts, type Database } from '@dotmac/core/kysely';
import { BackupError, faultOf } from '../program.js';

/** A database server that dumps are taken from, and the programs that do it. */
export interface ServerSettings {
  /** The policy's. */
  name: string;
  url: string;
  /** Where rehearsals take place: the database that the URL names is only connected to. */
  scratchUrl: string;
  /** Certificates that servers' are signed with, PEM. */
  ca: string | undefined;
  countRows: boolean;
  /** Makes dumps; the first that is installed. */
  dumpPrograms: readonly string[];
  /** Restores them. */
  restorePrograms: readonly string[];
  /** Whose scratch databases and private files are whose, among policies and machines. */
  directory: string;
  timeoutMs: number;
}

/** Scratch databases begin with it; nothing else is ever dropped. */
const scratchPrefix = 'dotmac_scratch_';

/** Twelve letters and digits that stand for a policy on this machine. */
export function ownerOf({ name, url, directory }: Pick<ServerSettings, 'name' | 'url' | 'directory'>): string {
  const { host, port, pathname } = new URL(url);
  const identity = JSON.stringify([hostname(), directory, name, host, port, pathname]);
  return createHash('sha256').update(identity).digest('hex').slice(0, 12);
}

/** The scratch databases of one owner: a name for a new one, and which others are. */
export function scratchNames(owner: string): { fresh(): string; own(name: string): boolean } {
  const prefix = `${scratchPrefix}${owner}_`;
  return { fresh: () => prefix + randomBytes(4).toString('hex'), own: (name) => name.startsWith(prefix) };
}

/** The same server, another database. */
export function urlOf(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  return other.href;
}

/**
 * Opens a database for as long as `work` takes. Statements may take as long as the policy has.
 * @throws BackupError when the server does not answer or refuses
 */
export async function withDatabase<Result>(
  url: string,
  { ca, timeoutMs }: Pick<ServerSettings, 'ca' | 'timeoutMs'>,
  clock: Clock,
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  const database = databaseFromUrl(url, {
    clock,
    poolSize: 1,
    queryTimeoutMs: timeoutMs,
    // An address is compared by the programs alone: mysql2 would take it for localhost's.
    ...(ca !== undefined && { ssl: { ca, verifyIdentity: isIP(new URL(url).hostname.replace(/^\[|\]$/g, '')) === 0 } }),
  });
  try {
    return await work(database);
  } catch (error) {
    throw faultFrom(error);
  } finally {
    await database.close();
  }
}

/** Drivers word their refusals as the programs do. */
function faultFrom(error: unknown): unknown {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof BackupError) return cause;
    const fault = faultOf(cause.message);
    if (fault !== 'program_failed') return new BackupError(fault, { cause: error });
    if (isConnectionError(cause)) return new BackupError('unreachable', { cause: error });
  }
  return error;
}

/** How a server is reached with TLS: not at all, without looking at its certificate, or with. */
export function tlsOf({ ssl }: ConnectionParts, ca: string | undefined): 'off' | 'unverified' | 'verified' {
  if (ca !== undefined || ssl === true) return 'verified';
  return ssl === false ? 'off' : 'unverified';
}
