/** How a server ends statements that take too long. */
export interface StatementLimit {
  /** The session's variable that says how long they may take; null where there is none. */
  variable: 'max_statement_time' | 'max_execution_time' | null;
  /** What it is counted in, in milliseconds. */
  unitMs: number;
  /** Does it end what writes? Otherwise somebody else has to, by KILL QUERY. */
  endsWrites: boolean;
}

/**
 * MariaDB ends any statement after `max_statement_time` (seconds), MySQL from 5.7.8 on, and what is made from it, none but
 * SELECT, after `max_execution_time` (milliseconds).
 * @param version what `version()` says
 */
export function statementLimitOf(version: string): StatementLimit {
  if (/mariadb/i.test(version)) return { variable: 'max_statement_time', unitMs: 1_000, endsWrites: true };
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  const isKnown = major > 5 || (major === 5 && (minor > 7 || (minor === 7 && patch >= 8)));
  return { variable: isKnown ? 'max_execution_time' : null, unitMs: 1, endsWrites: false };
}
