import { closeSync, openSync, writeSync } from 'node:fs';

/** A writer that appends to a log, knows how many lines the system took, and opens its log anew when told. */
export interface LogWriter {
  /** Writes so many lines at once. */
  write(lines: number): void;
  /** Lines written so far, from `line 0` on. */
  written(): number;
  reopen(): void;
  close(): void;
}

export function logWriter(path: string): LogWriter {
  let fd = openSync(path, 'a');
  let next = 0;
  return {
    write(lines) {
      for (let i = 0; i < lines; i++) {
        writeSync(fd, `line ${next} ${'.'.repeat(next % 80)}\n`);
        next += 1;
      }
    },
    written: () => next,
    reopen() {
      const fresh = openSync(path, 'a');
      closeSync(fd);
      fd = fresh;
    },
    close: () => closeSync(fd),
  };
}

/** Which lines of `0 … count - 1` are missing, and which are there more than once. */
export function accountFor(
  lines: readonly string[],
  count: number,
): { missing: number[]; doubled: number[]; torn: string[] } {
  const seen = new Uint8Array(count);
  const doubled: number[] = [];
  const torn: string[] = [];
  for (const line of lines) {
    const [, number, dots] = /^line (\d+) (\.*)$/.exec(line) ?? [];
    const index = Number(number);
    if (number === undefined || index >= count || dots?.length !== index % 80) torn.push(line);
    else if (seen[index]) doubled.push(index);
    else seen[index] = 1;
  }
  return { missing: [...seen.keys()].filter((index) => !seen[index]), doubled, torn };
}
