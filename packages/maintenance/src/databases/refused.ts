import { isConnectionError } from '@dotmac/core/kysely';
import { maintenanceErrors } from '../errors.js';

/** What is said, to callers, of what databases say themselves. */
const reasons: readonly { codes: readonly string[]; reason: string }[] = [
  {
    codes: [
      '42501',
      'ER_TABLEACCESS_DENIED_ERROR',
      'ER_COLUMNACCESS_DENIED_ERROR',
      'ER_DBACCESS_DENIED_ERROR',
      'ER_SPECIFIC_ACCESS_DENIED_ERROR',
    ],
    reason: 'its user has not the permission',
  },
  {
    codes: [
      '25006',
      'ER_OPTION_PREVENTS_STATEMENT',
      'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION',
      'SQLITE_READONLY',
      'SQLITE_READONLY_DIRECTORY',
    ],
    reason: 'it may only be read',
  },
  {
    codes: ['23505', 'ER_DUP_ENTRY', 'SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY'],
    reason: 'a row with such a key is there already',
  },
  {
    codes: ['23503', 'ER_ROW_IS_REFERENCED_2', 'SQLITE_CONSTRAINT_FOREIGNKEY', 'SQLITE_CONSTRAINT_TRIGGER'],
    reason: 'other rows refer to what was to go',
  },
];
const unnamed = 'the log has its words';

/** Of SQLSTATE, of mysql2 and of SQLite. */
const answers = /^(?:[0-5FHPX][0-9A-Z]{4}|ER_\w+|SQLITE_\w+)$/;

/** TABLE_REFUSED for what a database answered to a statement, in our words; any other error, a connection's too, as it is. */
export function refused(table: string, error: unknown): unknown {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  if (typeof code !== 'string' || !answers.test(code) || isConnectionError(error)) return error;
  const reason = reasons.find(({ codes }) => codes.includes(code))?.reason ?? unnamed;
  return maintenanceErrors.TABLE_REFUSED({ table, reason }, { cause: error });
}
