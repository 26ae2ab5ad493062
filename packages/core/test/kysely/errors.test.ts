import { describe, expect, it } from 'vitest';
import { defineErrors } from '../../src/errors/define-errors.js';
import { isConnectionError, isRetryable, storeError, unavailable } from '../../src/kysely/errors.js';

const errors = defineErrors({
  HOOK_BROKE: { kind: 'internal', message: (_: Record<never, never>) => 'The hook broke.' },
});
const deadlock = Object.assign(new Error('deadlock detected'), { code: '40P01' });

it('a deadlock is worth running a transaction anew for, in whatever words it is said', () => {
  expect(isRetryable(deadlock)).toBe(true);
  expect(isRetryable(errors.HOOK_BROKE({}, { cause: deadlock }))).toBe(true);
  expect(isRetryable(errors.HOOK_BROKE({}, { cause: new Error('a bug') }))).toBe(false);
  // It was run anew until there was no sense in it.
  expect(isRetryable(unavailable('other transactions were in the way', deadlock))).toBe(false);
});

interface Thrown {
  code?: string;
  errno?: number;
  message?: string;
}
const thrown = ({ message = '', ...rest }: Thrown): Error => Object.assign(new Error(message), rest);
const readOnly = (option: string): string =>
  `The MySQL server is running with the ${option} option so it cannot execute this statement`;

describe('an outage is told from a fault:', () => {
  const outages: [when: string, Thrown][] = [
    ['PostgreSQL ends its sessions', { code: '57P01' }],
    ['PostgreSQL ends a session that did nothing', { code: '57P05' }],
    ['PostgreSQL ends a transaction that did nothing', { code: '25P03' }],
    ['PostgreSQL ends a statement', { code: '57014' }],
    ['PostgreSQL has no connection left', { code: '53300' }],
    ['PostgreSQL has no disk left', { code: '53100' }],
    ['PostgreSQL has no memory left', { code: '53200' }],
    ['PostgreSQL has come to a limit', { code: '53400' }],
    ['PostgreSQL loses its connection', { code: '08006' }],
    ['PostgreSQL may only be read, after a failover', { code: '25006' }],
    ['MySQL may only be read', { code: 'ER_OPTION_PREVENTS_STATEMENT', errno: 1290, message: readOnly('--read-only') }],
    [
      'MySQL may only be read by anybody',
      { code: 'ER_OPTION_PREVENTS_STATEMENT', errno: 1290, message: readOnly('--super-read-only') },
    ],
    ['the files of MySQL may only be read', { code: 'ER_READ_ONLY_MODE', errno: 1836 }],
    ['MySQL ends a statement', { code: 'ER_QUERY_INTERRUPTED', errno: 1317 }],
    ['a statement of MySQL takes too long', { code: 'ER_QUERY_TIMEOUT', errno: 3024 }],
    ['a statement of MariaDB takes too long', { errno: 1969 }],
    ['MariaDB ends a session', { errno: 1927 }],
    ['MySQL ends a session that did nothing', { code: 'ER_CLIENT_INTERACTION_TIMEOUT', errno: 4031 }],
    ['MySQL has no connection left for its user', { code: 'ER_TOO_MANY_USER_CONNECTIONS', errno: 1203 }],
    ['the user of MySQL has done as much as it may', { code: 'ER_USER_LIMIT_REACHED', errno: 1226 }],
    ['MySQL has no disk left', { code: 'ER_DISK_FULL', errno: 1021 }],
    ['MySQL has no room in a table left', { code: 'ER_RECORD_FILE_FULL', errno: 1114 }],
    ['mysql2 has a closed connection', { message: "Can't add new command when connection is in closed state" }],
    ['mysql2 writes to a closed connection', { message: "Can't write in closed state" }],
    ['node-postgres has a closed connection', { message: 'Connection terminated unexpectedly' }],
    ['SQLite cannot read its file', { code: 'SQLITE_IOERR_READ' }],
    ['SQLite has no disk left', { code: 'SQLITE_FULL' }],
  ];
  it.each(outages)('%s', (_, fields) => {
    const error = thrown(fields);
    expect(isConnectionError(error)).toBe(true);
    expect(storeError(error, 'reading')).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  const faults: [what: string, Thrown][] = [
    ['a column that PostgreSQL does not have', { code: '42703' }],
    ['a column that MySQL does not have', { code: 'ER_BAD_FIELD_ERROR', errno: 1054 }],
    ['a column that SQLite does not have', { code: 'SQLITE_ERROR' }],
    ['a transaction of MySQL that was begun for reading', { code: 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION' }],
    [
      'what another option of MySQL prevents',
      { code: 'ER_OPTION_PREVENTS_STATEMENT', errno: 1290, message: readOnly('--secure-file-priv') },
    ],
    ['a number that nobody knows', { errno: 5_300 }],
    ['what is no error', {}],
  ];
  it.each(faults)('not so %s', (_, fields) => {
    const error = thrown(fields);
    expect(isConnectionError(error)).toBe(false);
    expect(storeError(error, 'reading')).toBe(error);
  });
});

describe('what is in the way for a moment is tried again:', () => {
  const moments = [
    ['40001', '40P01', '55P03', 'ER_LOCK_WAIT_TIMEOUT', 'ER_LOCK_DEADLOCK', 'ER_CHECKREAD'],
    ['SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_BUSY_RECOVERY', 'SQLITE_LOCKED', 'SQLITE_PROTOCOL'],
  ].flat();
  it.each(moments)('%s', (code) => {
    expect(isRetryable(thrown({ code }))).toBe(true);
    expect(isConnectionError(thrown({ code }))).toBe(false);
  });
});
