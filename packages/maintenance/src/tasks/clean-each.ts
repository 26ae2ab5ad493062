import { describeError, isOperationError, type OperationError } from '@dotmac/core';
import { tableLabel } from '../databases/rows/due.js';
import type { Prepared } from '../databases/rows/prepare.js';
import { worthRetrying } from '../databases/rows/retry.js';
import { maintenanceErrors } from '../errors.js';
import { cleanPolicy, failedReport, type CleanedTable, type SoFar } from './clean-policy.js';
import { noSpace } from './cleaned-space.js';
import type { TaskContext } from './task.js';

/** One policy after the other. One that fails is told of, and keeps none of the others from its turn. */
export async function cleanEach(
  context: TaskContext,
  all: readonly Prepared[],
  parameters: Parameters<typeof cleanPolicy>[2],
): Promise<{ tables: CleanedTable[]; fault?: OperationError | undefined }> {
  const tables: CleanedTable[] = [];
  let fault: OperationError | undefined;
  for (const one of all) {
    if (context.isOver) break;
    const soFar: SoFar = { strategy: 'It failed before one was chosen.', rows: 0, batches: 0, left: 0 };
    try {
      tables.push(await cleanPolicy(context, one, parameters, soFar));
    } catch (error) {
      const failure = faultOf(one, error);
      if (context.signal.aborted || !failure || failure.code === 'CONFIRMATION_NEEDED') throw error;
      context.logger.warn({ policy: one.name, ...describeError(failure) }, 'a policy could not be cleaned');
      context.note(`${one.name}: failed. ${failure.message}`);
      context.expect(one.target, 0);
      fault ??= failure;
      tables.push({ report: failedReport(one, soFar, failure.message), space: noSpace });
    }
  }
  return { tables, fault };
}

/** What is of this table alone; undefined for what may be of anything. */
function faultOf({ selection }: Prepared, error: unknown): OperationError | undefined {
  if (isOperationError(error)) return error;
  const table = tableLabel(selection);
  return worthRetrying(error) ? maintenanceErrors.TABLE_CONTENDED({ table }, { cause: error }) : undefined;
}
