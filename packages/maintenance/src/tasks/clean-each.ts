import type { OperationError } from '@dotmac/core';
import type { Prepared, Unprepared } from '../databases/rows/prepared.js';
import { tableFault } from '../databases/rows/table-fault.js';
import { whenBearable } from './bearable.js';
import { cleanPolicy, unfinishedReport, type CleanedTable, type SoFar } from './clean-policy.js';
import { noSpace } from './space.js';
import { setback } from './setback.js';
import type { TaskContext } from './task.js';

/** One policy after the other. One that fails, or waits for a confirmation, keeps none of the others from its turn. */
export async function cleanEach(
  context: TaskContext,
  { ordered, unprepared }: { ordered: readonly Prepared[]; unprepared: readonly Unprepared[] },
  parameters: Parameters<typeof cleanPolicy>[2],
): Promise<{ tables: CleanedTable[]; fault?: OperationError | undefined }> {
  const tables: CleanedTable[] = [];
  let fault: OperationError | undefined;
  const fails = (one: Prepared | Unprepared, error: unknown, soFar: SoFar): void => {
    const ended = setback(context, one.name, error);
    fault ??= ended.fault;
    tables.push({ report: unfinishedReport(one, ended, soFar), space: noSpace });
  };
  for (const one of unprepared) fails(one, one.fault, notBegun());
  for await (const [one, there] of whenBearable(context, ordered, ({ policy }) => policy.database)) {
    const soFar = notBegun();
    try {
      tables.push(await cleanPolicy(there, one, parameters, soFar));
    } catch (error) {
      fails(one, await tableFault(one, error), soFar);
      context.expect(one.target, 0);
    }
  }
  return { tables, fault };
}

const notBegun = (): SoFar => ({
  strategy: 'It ended before one was chosen.',
  rows: 0,
  rowsAlong: 0,
  batches: 0,
  left: 0,
});
