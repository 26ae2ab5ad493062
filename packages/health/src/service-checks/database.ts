import { isOperationError } from '@dotmac/core';
import { isConnectionError, type Database } from '@dotmac/core/kysely';
import { sql } from 'kysely';
import { Unreachable, WrongAnswer } from '../probes/probe.js';
import type { ServiceTarget } from './target.js';

const versions = {
  sqlite: sql<{ version: string }>`select sqlite_version() as version`,
  postgres: sql<{ version: string }>`select current_setting('server_version') as version`,
  mysql: sql<{ version: string }>`select version() as version`,
};

/**
 * A database that the host has open anyway: its own pool is asked, so that the check sees what the application sees.
 *
 * @example
 * createHealth({ store, targets: { main: databaseTarget(database) } });
 */
export function databaseTarget(database: Database): ServiceTarget {
  return {
    serviceType: 'database',
    async check() {
      try {
        const { rows } = await versions[database.dialect].execute(database.kysely);
        return { facts: { dialect: database.dialect, version: rows[0]?.version ?? '' } };
      } catch (error) {
        const unavailable = isConnectionError(error) || isOperationError(error);
        if (unavailable && !serverSpoke(error)) throw new Unreachable('The database cannot be reached');
        throw new WrongAnswer('The database answered with an error', null);
      }
    },
  };
}

/** A wrong password or a missing database keeps a pool from connecting, and yet the server answered. */
function serverSpoke(error: unknown): boolean {
  const { code } = ((error as { cause?: unknown }).cause ?? error) as { code?: unknown };
  return typeof code === 'string' && /^(?:ER_|SQLITE_NOTADB$|(?!08)(?=.*\d)[0-9A-Z]{5}$)/.test(code);
}
