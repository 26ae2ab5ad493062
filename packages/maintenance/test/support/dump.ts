import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Database } from '@dotmac/core/kysely';
import { sql } from 'kysely';

const run = promisify(execFile);
const options = { maxBuffer: 256 * 1_048_576 };

/** All of a database: the bytes of its file, or what its server's dump program writes, schema and rows. */
export async function dumpOf({ kysely, dialect }: Database, url: string): Promise<string> {
  if (dialect === 'sqlite') {
    await sql`pragma wal_checkpoint(truncate)`.execute(kysely);
    return (await readFile(url.slice('sqlite:'.length))).toString('base64');
  }
  if (dialect === 'postgres') {
    const { stdout } = await run('pg_dump', ['--dbname', url], options);
    // Newer ones write a word of chance around it.
    return stdout.replaceAll(/^\\(un)?restrict .*$/gm, '');
  }
  const { hostname, port, username, password, pathname } = new URL(url);
  const to = [`--host=${hostname}`, `--port=${port || 3306}`, `--user=${username}`, `--password=${password}`];
  const words = ['--no-defaults', ...to, '--skip-dump-date', '--routines', '--triggers', pathname.slice(1)];
  return (await run('mariadb-dump', words, options)).stdout;
}
