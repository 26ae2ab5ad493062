import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { dirname } from 'node:path';

/** One call of a program, without a shell. */
export interface ProgramCall {
  /** Looked for beside the running Node, and where systems keep programs. */
  program: string;
  args: readonly string[];
  cwd?: string;
  /** Besides the search path, the home directory and the locale: nothing else of the process's own environment is seen. */
  env?: Readonly<Record<string, string>>;
  /** Ends the program. */
  signal?: AbortSignal;
  /** It is ended after so long. Ms. */
  deadlineMs: number;
}

/** What a program wrote, and how it ended. */
export interface ProgramEnd {
  code: number;
  stdout: string;
  stderr: string;
}

/** A program that is missing, that was ended, or that wrote without an end. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
}

const mostOutputBytes = 16 * 1_048_576;
const searchPath = `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;

/** What a program sees of the environment. */
export const environmentOf = (env: ProgramCall['env']): Record<string, string> => {
  return { PATH: searchPath, HOME: homedir(), LANG: 'C', LC_ALL: 'C', ...env };
};

/**
 * Runs a program that may be cut off: one that only looks.
 * @throws ProgramError unless it came to its end by itself, with whatever code
 */
export function runProgram({ program, args, cwd, env, signal, deadlineMs }: ProgramCall): Promise<ProgramEnd> {
  const options = {
    cwd,
    signal,
    timeout: deadlineMs,
    maxBuffer: mostOutputBytes,
    env: environmentOf(env),
    windowsHide: true,
    encoding: 'utf8',
  } as const;
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) return resolve({ code: 0, stdout, stderr });
      if (typeof error.code === 'number') return resolve({ code: error.code, stdout, stderr });
      if (signal?.aborted) return reject(signal.reason as Error);
      reject(new ProgramError(whyOf(program, error), { cause: error }));
    });
  });
}

/** Why a program did not come to its end, in words that can be shown. */
export function whyOf(program: string, { code, killed }: { code?: unknown; killed?: boolean }): string {
  if (code === 'ENOENT') return `${program} is not installed, or its directory is not there`;
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `${program} wrote more than can be read`;
  return killed ? `${program} did not come to its end in time` : `${program} could not be run`;
}
