import { isOperationError } from '@dotmac/core';
import { maintenanceErrors } from '../../errors.js';
import { isDenial, refused } from '../refused.js';
import type { Want } from './dialect.js';
import { tableLabel } from './due.js';
import type { Prepared } from './prepared.js';
import { worthRetrying } from './retry.js';

/** In our words where it is of this table alone; as it is where it may be of anything. */
export async function tableFault(
  about: Pick<Prepared, 'policy' | 'selection' | 'dialect'> & Partial<Pick<Prepared, 'facts' | 'along'>>,
  error: unknown,
): Promise<unknown> {
  const { policy, selection, dialect } = about;
  const table = tableLabel(selection);
  // Of a file that another process holds SQLite's driver says that it is unavailable: other files are not.
  if ((!isOperationError(error) || isOperationError(error, 'STORE_UNAVAILABLE')) && worthRetrying(error))
    return maintenanceErrors.TABLE_CONTENDED({ table }, { cause: error });
  if (!isDenial(error) || !dialect.lacking) return refused(table, error);
  return refused(table, error, await dialect.lacking(policy.on.kysely, wantsOf(about)));
}

/** What a policy does with the tables that it is about. */
function wantsOf({ policy, selection, facts, along = [] }: Parameters<typeof tableFault>[0]): Want[] {
  const { archive } = policy;
  const isFiled = archive !== undefined && 'directory' in archive;
  // Rows that are written to a file, and those with which others go, are locked meanwhile.
  const locks = isFiled || along.length > 0;
  const wants: Want[] = [{ table: selection, privileges: ['SELECT', 'DELETE', ...(locks ? ['UPDATE' as const] : [])] }];
  if (archive && !isFiled) wants.push({ table: archive, privileges: ['INSERT'] });
  const goes = new Set(along.map(({ reference }) => reference));
  for (const it of facts?.references ?? [])
    wants.push({ table: it.child, privileges: goes.has(it) ? ['SELECT', 'DELETE'] : ['SELECT'] });
  return wants;
}
