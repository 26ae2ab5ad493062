import { coreErrors } from '@dotmac/core';
import { parseConnectionUrl } from '@dotmac/core/kysely';
import { checkRoot } from '../policies/allow-list.js';
import { calendarIn } from './calendar.js';
import { knowsCompression, type BackupCompression } from './compression.js';
import { mysqlSource } from './databases/mysql.js';
import { postgresSource } from './databases/postgres.js';
import { sqlitePath, sqliteSource } from './databases/sqlite.js';
import { checkKeep, type KeepRules } from './keep.js';
import type { BackupSource } from './source.js';

/** A database that is dumped into a directory, and which of its backups are kept. */
export interface BackupPolicy {
  /** How requests and reports call it, and what its files begin with: letters, digits, `.`, `_`, `-`; unique. */
  name: string;
  /** The tenants that may run it and see its backups. Default every tenant (whose principal holds `maintenance:execute`). */
  tenants?: readonly string[];
  /** `sqlite:/path/to.db`, `postgres://user:password@host/database` or `mysql://…`, as `databaseFromUrl` takes it. */
  url: string;
  /** Its name in `databases`, where it is one of these: taking and trying out backups waits for what is said of that one. */
  database?: string;
  /** Absolute, and there already. Files in it of this policy's name are this policy's. */
  directory: string;
  /** Users, by number, who may own the directory and those above it, besides root and this process's. Default none. */
  owners?: readonly number[];
  /** Which backups stay. Must keep something. */
  keep: KeepRules;
  /** The share of the backups that may go in one run before somebody has to confirm it, when they are more than `unaskedItems`; above 0 to 1. Default 0.5. */
  maxShare?: number;
  /** Whose hours, days and weeks `keep` counts: an IANA zone. Default `UTC`. */
  timeZone?: string;
  /** Default `gzip`. `zstd` needs Node 22.15 or 23.8. */
  compression?: BackupCompression;
  /** Where a backup is tried out: a URL of a server of the same kind, to whose database is only connected. Default the same server. */
  scratchUrl?: string;
  /** Certificates that the servers' are signed with, PEM. With it, certificates and names are verified. */
  ca?: string;
  /** Count all rows and compare them after restoring. Default true; without it, tables alone are compared. */
  countRows?: boolean;
  /** For one dump, and for one verification, of work: what that waits under pressure is not counted (a dump does not wait). Default 6 hours. */
  timeoutMs?: number;
  /**
   * The programs to call, when others than `pg_dump` and `pg_restore`, `mariadb-dump` and `mariadb`, or `mysqldump` and
   * `mysql`: names or absolute paths. Of the latter, a server's own are taken first; they are told what they say that they know.
   */
  programs?: { dump?: string; restore?: string };
}

/** A backup policy, checked, with its defaults. */
export interface CheckedBackup extends Required<
  Pick<BackupPolicy, 'name' | 'directory' | 'owners' | 'keep' | 'maxShare' | 'timeZone' | 'compression' | 'timeoutMs'>
> {
  tenants?: readonly string[];
  database?: string;
  source: BackupSource;
  /** What is backed up, and where that is tried out, without a secret: what tells the source from others. */
  places: readonly object[];
}

const hourMs = 3_600_000;
const longestMs = 7 * 24 * hourMs;
const kinds = [
  {
    schemes: ['postgres', 'postgresql'],
    port: 5432,
    source: postgresSource,
    programs: { dump: ['pg_dump'], restore: ['pg_restore'] },
  },
  {
    schemes: ['mysql', 'mariadb'],
    port: 3306,
    source: mysqlSource,
    programs: { dump: ['mariadb-dump', 'mysqldump'], restore: ['mariadb', 'mysql'] },
  },
];

/** The kind of server of a URL, by its scheme; undefined when there are no backups of it. */
export const kindOf = (url: string): (typeof kinds)[number] | undefined =>
  kinds.find(({ schemes }) => schemes.some((scheme) => url.startsWith(`${scheme}://`)));

/** @throws INVALID_ARGUMENT naming what is wrong; never the URL */
export function checkBackup(policy: BackupPolicy): CheckedBackup {
  const at = `backups.${policy.name}`;
  const refuse = (name: string, reason: string): Error =>
    coreErrors.INVALID_ARGUMENT({ argument: `${at}.${name}`, reason });
  const {
    name,
    tenants,
    database,
    keep,
    maxShare = 0.5,
    timeZone = 'UTC',
    compression = 'gzip',
    timeoutMs = 6 * hourMs,
  } = policy;
  checkKeep(`${at}.keep`, keep);
  if (!(maxShare > 0 && maxShare <= 1)) throw refuse('maxShare', 'a share is above 0, and at most 1');
  if (!knowsCompression(compression)) throw refuse('compression', 'zstd needs Node 22.15 or 23.8');
  if (!(timeoutMs >= 1_000 && timeoutMs <= longestMs)) throw refuse('timeoutMs', 'must be a second to seven days');
  try {
    calendarIn(timeZone);
  } catch {
    throw refuse('timeZone', 'there is no such time zone');
  }
  const directory = checkRoot(`${at}.directory`, policy.directory);
  const { source, places } = sourceOf(policy, directory, timeoutMs, refuse);
  return {
    ...{ name, keep, maxShare, timeZone, compression, timeoutMs, directory, owners: policy.owners ?? [] },
    ...(tenants && { tenants }),
    ...(database !== undefined && { database }),
    ...{ source, places },
  };
}

function sourceOf(
  policy: BackupPolicy,
  directory: string,
  timeoutMs: number,
  refuse: (name: string, reason: string) => Error,
): Pick<CheckedBackup, 'source' | 'places'> {
  const { url, scratchUrl = url, ca, countRows = true, programs = {} } = policy;
  const file = sqlitePath(url);
  if (file !== null) return { source: sqliteSource(file, { countRows }), places: [{ file, countRows }] };
  const kind = kindOf(url);
  if (!kind) throw refuse('url', 'it starts with none of sqlite:, postgres:// and mysql://, or is in memory');
  const places: object[] = [{ countRows }];
  for (const [name, given] of Object.entries({ url, scratchUrl })) {
    // Programs read these from files of lines.
    const { password, ...place } = parseConnectionUrl(given, kind.schemes, kind.port);
    if (Object.values({ password, ...place }).some((part) => typeof part === 'string' && /[\n\r\0]/.test(part)))
      throw refuse(name, 'no part of it may have a line break');
    places.push(place);
  }
  const source = kind.source({
    ...{ name: policy.name, url, scratchUrl, ca, countRows, directory, timeoutMs },
    dumpPrograms: programs.dump === undefined ? kind.programs.dump : [programs.dump],
    restorePrograms: programs.restore === undefined ? kind.programs.restore : [programs.restore],
  });
  return { source, places };
}
