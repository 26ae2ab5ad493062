import { setImmediate as endOfTurn } from 'node:timers/promises';
import { isOperationError, type InputIssue } from '@dotmac/core';
import type { LineResult } from '@dotmac/core/contract';
import { z } from 'zod';
import type { EndpointDraft } from './endpoint.js';

/** What became of one line of an import. */
export const importedLine = z
  .object({
    line: z.int(),
    status: z.enum(['created', 'valid', 'refused']).meta({ description: '`valid`: it was a dry run' }),
    id: z.string().nullable(),
    code: z.string().nullable().meta({ description: 'Why it was refused' }),
    errors: z.array(z.object({ path: z.string(), message: z.string() })),
  })
  .meta({ id: 'ImportedLine' });

/** @see importedLine */
export type ImportedLine = z.output<typeof importedLine>;

/** Makes endpoints of drafts, all or none: one result each, an error for what is refused. */
export type RegisterMany = (drafts: readonly EndpointDraft[]) => Promise<({ id: string } | { error: unknown })[]>;

/** As many as go into one transaction; what comes in slowly does not wait for more. */
const mostTogether = 200;

/** Registers endpoints as their lines come, and answers each line in its order. */
export async function* importing(
  lines: AsyncIterable<LineResult<EndpointDraft>>,
  register: RegisterMany,
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
      else yield { ...refused, ...toldOf(result.error) };
    }
  }
}

function toldOf(error: unknown): { code: string; errors: InputIssue[] } {
  if (!isOperationError(error)) throw error;
  return { code: error.code, errors: [...(error.issues ?? [{ path: '', message: error.message }])] };
}

/** Drafts as lines. */
export async function* linesOf(drafts: Iterable<EndpointDraft>): AsyncGenerator<LineResult<EndpointDraft>> {
  let line = 0;
  for (const value of drafts) yield { line: ++line, ok: true, value };
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
