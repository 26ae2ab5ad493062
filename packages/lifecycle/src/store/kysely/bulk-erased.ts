import { sql } from 'kysely';
import { fromJson, toJson } from '@dotmac/core/kysely';
import type { OperationWords } from '../../bulk/operation.js';
import type { BulkRow } from './bulk-row.js';

type Words = 'filter' | 'input' | 'created_by';
type ErasedWords = 'erased_filter' | 'erased_input' | 'erased_by';

/** What an erasure leaves of an operation that is not over, as its columns. */
export function erasedRow(erased: OperationWords | null): Pick<BulkRow, ErasedWords> {
  return {
    erased_filter: erased && toJson(erased.filter),
    erased_input: erased && toJson(erased.input),
    erased_by: erased && erased.createdBy,
  };
}

/** What erasures left of an operation that is not over. */
export function erasedOf({
  erased_filter,
  erased_input,
  erased_by,
}: Pick<BulkRow, ErasedWords>): OperationWords | null {
  if (erased_filter === null || erased_input === null || erased_by === null) return null;
  return { filter: fromJson(erased_filter), input: fromJson(erased_input), createdBy: erased_by };
}

/**
 * Written with the end of an operation, in the same statement: of whoever was erased while it went on nothing outlives it,
 * also where who ends it has read it before. Assignments are made in this order on MySQL.
 */
export const wordsAtEnd = {
  filter: sql<string>`coalesce(erased_filter, filter)`,
  input: sql<string>`coalesce(erased_input, input)`,
  created_by: sql<string>`coalesce(erased_by, created_by)`,
  ...erasedRow(null),
} satisfies Record<Words | ErasedWords, unknown>;
