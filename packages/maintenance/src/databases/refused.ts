import { isConnectionError } from '@dotmac/core/kysely';
import { maintenanceErrors } from '../errors.js';

const denials: readonly unknown[] = [
  '42501',
  'ER_TABLEACCESS_DENIED_ERROR',
  'ER_COLUMNACCESS_DENIED_ERROR',
  'ER_DBACCESS_DENIED_ERROR',
  'ER_SPECIFIC_ACCESS_DENIED_ERROR',
];

/** What is said, to callers, of what databases say themselves. */
const reasons: readonly { codes: readonly string[]; reason: string }[] = [
  {
    codes: ['ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION', 'SQLITE_READONLY', 'SQLITE_READONLY_DIRECTORY'],
    reason: 'it may only be read',
  },
  {
    codes: ['23505', 'ER_DUP_ENTRY', 'SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY'],
    reason: 'a row with such a key is there already',
  },
  {
    codes: [
      '23503',
      'ER_ROW_IS_REFERENCED',
      'ER_ROW_IS_REFERENCED_2',
      'SQLITE_CONSTRAINT_FOREIGNKEY',
      'SQLITE_CONSTRAINT_TRIGGER',
    ],
    reason: 'other rows refer to what was to go',
  },
  {
    codes: [
      ...['XX001', 'XX002', 'ER_CRASHED_ON_USAGE', 'ER_NOT_KEYFILE', 'ER_TABLE_CORRUPT'],
      ...['SQLITE_CORRUPT', 'SQLITE_CORRUPT_INDEX', 'SQLITE_NOTADB'],
    ],
    reason: 'its file is damaged',
  },
];
const unnamed = 'the log has its words';

/** Of SQLSTATE, of mysql2 and of SQLite. */
const answers = /^(?:[0-5FHPX][0-9A-Z]{4}|ER_\w+|SQLITE_\w+)$/;
const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null | undefined)?.code;

/** Did a database answer to a statement, and not the way to it fail? */
export const isAnswer = (error: unknown): boolean => answers.test(String(codeOf(error))) && !isConnectionError(error);

/** Did it answer that its user may not? */
export const isDenial = (error: unknown): boolean => denials.includes(codeOf(error));

/**
 * TABLE_REFUSED for what a database answered to a statement, in our words; any other error, a connection's too, as it is.
 * @param grants what its user lacks, where it may not
 */
export function refused(table: string, error: unknown, grants: readonly string[] = grantsNamed(error)): unknown {
  if (!isAnswer(error)) return error;
  const lacks = grants.length === 0 ? '' : ` (missing: ${grants.join('; ')})`;
  const reason = isDenial(error)
    ? `its user has not the permission${lacks}`
    : (reasons.find(({ codes }) => codes.includes(String(codeOf(error))))?.reason ?? unnamed);
  return maintenanceErrors.TABLE_REFUSED({ table, reason }, { cause: error });
}

const deniedOnTable =
  /^([A-Z]+(?:, [A-Z]+)*|SELECT with locking clause) command denied to user .* for (?:column '.*' in )?table ['`](.+)['`]$/;
const deniedAtAll = /^Access denied; you need \(at least one of\) the ([A-Z ]+)/;

/** What they call a right that no GRANT has the name of: who may read a table may see how it was made, and what is locked is to go. */
const rights: readonly [RegExp, string][] = [
  [/\bSHOW\b/, 'SELECT'],
  [/^SELECT with locking clause$/, 'DELETE'],
];

/**
 * The GRANTs that MySQL and MariaDB name when they deny something.
 * @param known what was asked, with its schema, which MySQL does not tell
 */
export function grantsNamed(error: unknown, known = ''): string[] {
  const message = String((error as { message?: unknown } | null | undefined)?.message);
  const [, commands, named = ''] = deniedOnTable.exec(message) ?? [];
  if (commands !== undefined) {
    const table = named.replaceAll('`', '');
    const right = rights.reduce((text, [saying, name]) => text.replace(saying, name), commands);
    return [`GRANT ${right} ON ${known.endsWith(`.${table}`) ? known : table}`];
  }
  const privilege = deniedAtAll.exec(message)?.[1]?.trim();
  return privilege === undefined ? [] : [`GRANT ${privilege} ON *.*`];
}
