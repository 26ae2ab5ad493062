/**
 * A name for a new index that nothing has yet, be it in capitals: `<stem>_idx`, else `<stem>_idx1` and on, as PostgreSQL counts. It
 * is taken from then on.
 * @param taken in small letters
 * @param most characters that a name may have; default as many as it takes
 */
export function freeIndexName(stem: string, taken: Set<string>, most = Infinity): string {
  for (let count = 0; ; count++) {
    const end = `_idx${count || ''}`;
    const name = `${stem.slice(0, most - end.length)}${end}`;
    if (taken.has(name.toLowerCase())) continue;
    taken.add(name.toLowerCase());
    return name;
  }
}
