import * as promises from 'node:fs/promises';

/** The calls by which files are worked on. Tests hand in ones that fail, or kill, at the Nth. */
export type FileSystem = Pick<
  typeof promises,
  'link' | 'lstat' | 'open' | 'opendir' | 'rename' | 'rmdir' | 'statfs' | 'unlink'
>;

/** The system's own. */
export const systemFiles: FileSystem = promises;

/** The code of a system error, e.g. `ENOENT`; undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** For `catch`: takes errors of those codes as `undefined`, throws all others on. */
export function unless(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(errorCode(error) ?? '')) throw error;
    return undefined;
  };
}
