import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { ImportedLine } from '../contract/imported-line.js';
import type { LineResult } from '../contract/stream-route.js';
import { isOperationError, type InputIssue } from '../errors/operation-error.js';

/** Makes things of drafts: one result each, an error for what is refused. */
export type ImportMany<Draft> = (drafts: readonly Draft[]) => Promise<({ id: string } | { error: unknown })[]>;

/** As many as go into one transaction; what comes in slowly does not wait for more. */
const mostTogether = 200;

/** Makes things as their lines come, and answers each line in its order. */
export async function* importing<Draft>(
  lines: AsyncIterable<LineResult<Draft>>,
  register: ImportMany<Draft>,
  made: 'created' | 'valid',
): AsyncGenerator<ImportedLine> {
  for await (const batch of batches(lines)) {
    const drafts = batch.flatMap((it) => (it.ok ? [it.value] : []));
    const results = (await register(drafts)).values();
    for (const it of batch) {
      const refused = { line: it.line, status: 'refused' as const, id: null };
      if (!it.ok) {
        yield { ...refused, code: 'INVALID_INPUT', errors: it.issues };
        continue;
      }
      const result = results.next().value ?? { error: undefined };
      if ('id' in result)
        yield { line: it.line, status: made, id: made === 'valid' ? null : result.id, code: null, errors: [] };
      else yield { ...refused, ...refusalOf(result.error) };
    }
  }
}

/** Why one of many was refused, as it is told in an answer. @throws what is no refusal */
export function refusalOf(error: unknown): { code: string; errors: InputIssue[] } {
  if (!isOperationError(error)) throw error;
  return { code: error.code, errors: [...(error.issues ?? [{ path: '', message: error.message }])] };
}

/** What has come already, together. */
async function* batches<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item[]> {
  const iterator = items[Symbol.asyncIterator]();
  let batch: Item[] = [];
  try {
    for (;;) {
      const next = iterator.next();
      const isHere = await Promise.race([next.then(() => true), endOfTurn(false)]);
      if (!isHere && batch.length > 0) {
        yield batch;
        batch = [];
      }
      const { done, value } = await next;
      if (done) break;
      batch.push(value);
      if (batch.length < mostTogether) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  } finally {
    await iterator.return?.();
  }
}
