import type { RowDialect } from '../../src/databases/rows/dialect.js';
import type { planned } from './clean.js';

type Cleanup = Awaited<ReturnType<typeof planned>>;

/** A cleanup of which is known by what codes its transactions failed, in order; `around` may meddle with each. */
export function failuresOf(
  { prepared, plan }: Cleanup,
  around: (real: RowDialect) => RowDialect['transaction'] = (real) => real.transaction.bind(real),
): { cleanup: Cleanup; codes: string[] } {
  const codes: string[] = [];
  const transaction = around(prepared.dialect);
  const dialect: RowDialect = {
    ...prepared.dialect,
    async transaction(db, limits, work) {
      try {
        return await transaction(db, limits, work);
      } catch (error) {
        codes.push(codeOf(error));
        throw error;
      }
    },
  };
  return { cleanup: { prepared: { ...prepared, dialect }, plan }, codes };
}

/** As the database has it: of what was worded anew, that of its cause. */
function codeOf(error: unknown): string {
  const { code, errno, cause } = error as { code?: string; errno?: number; cause?: unknown };
  if (cause !== undefined) return codeOf(cause);
  return String(errno ?? code);
}
