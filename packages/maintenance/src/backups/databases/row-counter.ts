import type { Content, TableCount } from '../source.js';

const [newline, quote, backslash, open, close, semicolon] = [10, 39, 92, 40, 41, 59];
const name = '`((?:[^`]|``)+)`';
const filling = new RegExp(`^INSERT INTO ${name} (?:\\((?:\`(?:[^\`]|\`\`)+\`,? ?)+\\) )?VALUES`);
const creating = new RegExp(`^CREATE TABLE ${name} \\(`);
const delimiting = /^DELIMITER (\S+)/;
const starts = ['INSERT INTO `', 'CREATE TABLE `', 'DELIMITER '];
/** A statement names all columns of a table that has computed ones: of thousands, at the most. */
const longestHead = 512 * 1024;

/**
 * Passes a dump of mariadb-dump or mysqldump on, and counts the rows of each table in it: the dump's snapshot is its
 * own session's, so that no other can count in it. Statements begin with a line, texts escape quotes by backslashes,
 * and what lies between DELIMITER lines is code.
 */
export function rowCounter(): { through(dump: Content): Content; tables(): TableCount[] } {
  const rows = new Map<string, number>();
  /** The beginning of a line that may yet turn out to be one of ours; null in all others. */
  let head: Buffer | null = Buffer.alloc(0);
  let inCode = false;
  let table: string | undefined;
  let [inText, escaped, depth] = [false, false, 0];

  /** Counts the rows of a statement, up to its end. */
  const readValues = (chunk: Buffer, from: number, filled: string): number => {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at];
      if (escaped) escaped = false;
      else if (inText) {
        if (byte === backslash) escaped = true;
        else if (byte === quote) inText = false;
      } else if (byte === quote) inText = true;
      else if (byte === open) {
        if (depth++ === 0) rows.set(filled, (rows.get(filled) ?? 0) + 1);
      } else if (byte === close) depth -= 1;
      else if (byte === semicolon && depth === 0) {
        table = undefined;
        return at + 1;
      }
    }
    return chunk.length;
  };
  /** Reads on in a line; where it is left. `lineEnd` is the chunk's end when the line goes on in the next. */
  const readLine = (chunk: Buffer, from: number, lineEnd: number): number => {
    const known = head?.length ?? 0;
    const line = head && Buffer.concat([head, chunk.subarray(from, lineEnd)]);
    head = null;
    if (!line || line.length > longestHead) return lineEnd;
    const text = line.toString('utf8');
    if (!starts.some((start) => start.startsWith(text.slice(0, start.length)))) return lineEnd;
    const delimiter = delimiting.exec(text)?.[1];
    if (delimiter !== undefined && lineEnd < chunk.length) inCode = delimiter !== ';';
    else if (!inCode) {
      const filled = filling.exec(text);
      if (filled?.[1] !== undefined) {
        table = filled[1].replaceAll('``', '`');
        return from + Buffer.byteLength(filled[0]) - known;
      }
      const created = creating.exec(text)?.[1]?.replaceAll('``', '`');
      if (created !== undefined && !rows.has(created)) rows.set(created, 0);
    }
    head = line;
    return lineEnd;
  };
  const read = (chunk: Buffer): void => {
    for (let at = 0; at < chunk.length;) {
      if (table !== undefined) at = readValues(chunk, at, table);
      else {
        const end = chunk.indexOf(newline, at);
        at = readLine(chunk, at, end < 0 ? chunk.length : end);
        if (table === undefined && at === end) {
          head = Buffer.alloc(0);
          at += 1;
        }
      }
    }
  };

  return {
    async *through(dump) {
      for await (const chunk of dump) {
        read(chunk);
        yield chunk;
      }
    },
    tables: () =>
      [...rows].map(([of, count]) => ({ name: of, rows: count })).sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
