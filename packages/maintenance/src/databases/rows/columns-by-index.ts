/**
 * The columns of each index, as far as they are columns: what follows an expression is in no order of theirs.
 * @param columns of all indexes, those of one in its order; null for an expression
 */
export function columnsByIndex(columns: readonly { idx: string; name: string | null }[]): string[][] {
  const found = new Map<string, (string | null)[]>();
  for (const { idx, name } of columns) found.set(idx, [...(found.get(idx) ?? []), name]);
  return [...found.values()].map((names) => {
    const end = names.indexOf(null);
    return (end < 0 ? names : names.slice(0, end)) as string[];
  });
}
