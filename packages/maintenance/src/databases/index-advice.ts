import type { IndexFinding } from './database.js';

/** An index as advice is made from; an empty column name stands for an expression. */
export interface ComparedIndex {
  name: string;
  unique: boolean;
  columns: readonly string[];
}

/**
 * Indexes that another one covers: its columns begin with theirs. A unique index is a rule, not just a way to search,
 * so it is never called a duplicate; of two alike, the later by name is.
 */
export function prefixDuplicates(table: string, indexes: readonly ComparedIndex[]): IndexFinding[] {
  const plain = indexes.filter(({ columns }) => columns.length > 0 && !columns.includes(''));
  return plain.flatMap((index) => {
    if (index.unique) return [];
    const cover = plain.find(
      (other) =>
        other.name !== index.name &&
        index.columns.every((column, position) => other.columns[position] === column) &&
        (other.columns.length > index.columns.length || other.unique || other.name < index.name),
    );
    if (!cover) return [];
    const advice = `${cover.name} begins with the same columns; consider dropping ${index.name}`;
    return [{ table, index: index.name, finding: 'duplicate' as const, advice }];
  });
}
