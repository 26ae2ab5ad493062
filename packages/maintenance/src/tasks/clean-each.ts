import { isOperationError, type OperationError } from '@dotmac/core';
import { tableLabel } from '../databases/rows/due.js';
import type { Prepared } from '../databases/rows/prepare.js';
import { refused } from '../databases/refused.js';
import { worthRetrying } from '../databases/rows/retry.js';
import { maintenanceErrors } from '../errors.js';
import { whenBearable } from './bearable.js';
import { cleanPolicy, unfinishedReport, type CleanedTable, type SoFar } from './clean-policy.js';
import { noSpace } from './cleaned-space.js';
import { setback } from './setback.js';
import type { TaskContext } from './task.js';

/** One policy after the other. One that fails, or waits for a confirmation, keeps none of the others from its turn. */
export async function cleanEach(
  context: TaskContext,
  all: readonly Prepared[],
  parameters: Parameters<typeof cleanPolicy>[2],
): Promise<{ tables: CleanedTable[]; fault?: OperationError | undefined }> {
  const tables: CleanedTable[] = [];
  let fault: OperationError | undefined;
  for await (const [one, there] of whenBearable(context, all, ({ policy }) => policy.database)) {
    const soFar: SoFar = { strategy: 'It ended before one was chosen.', rows: 0, batches: 0, left: 0 };
    try {
      tables.push(await cleanPolicy(there, one, parameters, soFar));
    } catch (error) {
      const ended = setback(context, one.name, faultOf(one, error));
      fault ??= ended.fault;
      context.expect(one.target, 0);
      tables.push({ report: unfinishedReport(one, ended, soFar), space: noSpace });
    }
  }
  return { tables, fault };
}

/** In our words where it is of this table alone; as it is where it may be of anything. */
function faultOf({ selection }: Prepared, error: unknown): unknown {
  const table = tableLabel(selection);
  if (!isOperationError(error) && worthRetrying(error))
    return maintenanceErrors.TABLE_CONTENDED({ table }, { cause: error });
  return refused(table, error);
}
