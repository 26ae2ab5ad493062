import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '@dotmac/core';

/** Why a dump or its restoration failed: a word of ours, never text of the program, which may quote anything. */
export type BackupFault =
  | 'access_denied'
  | 'busy_tables'
  | 'certificate_expired'
  | 'certificate_invalid'
  | 'disk_full'
  | 'foreign_program'
  | 'lost_connection'
  | 'no_such_database'
  | 'not_verified'
  | 'permission_denied'
  | 'program_failed'
  | 'program_missing'
  | 'timeout'
  | 'tls_failed'
  | 'unreachable'
  | 'version_mismatch';

/** A backup that did not come about, or could not be looked at. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  constructor(
    readonly code: BackupFault,
    options?: ErrorOptions,
  ) {
    super(`The backup failed: ${code}`, options);
  }
}

/** What programs say in the C locale, the most telling first. */
const sayings: readonly [RegExp, BackupFault][] = [
  [
    // PostgreSQL's programs set what servers before theirs do not know: those of 17 and later `transaction_timeout`.
    /server version mismatch|unsupported version .* in file header|unrecognized configuration parameter/i,
    'version_mismatch',
  ],
  [
    /password authentication failed|no pg_hba\.conf entry|no password supplied|access denied for user/i,
    'access_denied',
  ],
  [/no space left on device|the table '.*' is full/i, 'disk_full'],
  [/lock timeout|deadlock|lock wait timeout|table definition has changed/i, 'busy_tables'],
  [/database ".*" does not exist|unknown database/i, 'no_such_database'],
  [
    /permission denied|command denied|must be (owner|superuser)|privilege\(s\) for this operation/i,
    'permission_denied',
  ],
  [/certificate (has expired|is not yet valid)/i, 'certificate_expired'],
  // Not of the word alone: tables are called so.
  [
    /self[- ]signed certificate|certificate (verify failed|for .* does not match)|(issuer|first|leaf) certificate|certificate's altnames|server certificate failed/i,
    'certificate_invalid',
  ],
  [/server closed the connection|lost connection|terminating connection|gone away/i, 'lost_connection'],
  [/SSL (connection )?error|does(n't| not) support (SSL|secure|it)|SSL was required/i, 'tls_failed'],
  [
    /could not connect|connection to server .* failed|connection refused|can't connect|could not translate host name|unknown (mysql |mariadb )?server host/i,
    'unreachable',
  ],
];

/** What a program's complaint comes to. */
export function faultOf(complaint: string): BackupFault {
  return sayings.find(([saying]) => saying.test(complaint))?.[1] ?? 'program_failed';
}

/** One call of a program, without a shell. */
export interface ProgramCall {
  program: string;
  args: readonly string[];
  /** All that it sees of the environment, besides the search path and the locale. */
  env?: Readonly<Record<string, string>>;
  clock: Pick<Clock, 'after'>;
  /** Ends the program: asked first, killed five seconds later. */
  signal: AbortSignal;
}

const brokenPipes = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED']);
const mostComplaint = 8_192;
const killAfterMs = 5_000;
const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function start({ program, args, env, clock, signal }: ProgramCall, stdio: ['ignore' | 'pipe', 'ignore' | 'pipe']) {
  signal.throwIfAborted();
  const child = spawn(program, args, {
    shell: false,
    windowsHide: true,
    env: { PATH: searchPath, LC_ALL: 'C', ...env },
    stdio: [...stdio, 'pipe'],
  });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    // Its end says why it gave up; its beginning is often a warning.
    complaint = (complaint + text).slice(-mostComplaint);
  });
  let cancelKill = (): void => {};
  const end = (): void => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    cancelKill = clock.after(killAfterMs, () => child.kill('SIGKILL'));
  };
  signal.addEventListener('abort', end, { once: true });
  const ended = new Promise<BackupError | null>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(new BackupError(error.code === 'ENOENT' ? 'program_missing' : 'program_failed', { cause: error })),
    );
    child.once('close', (code) => resolve(code === 0 ? null : new BackupError(faultOf(complaint))));
  }).finally(() => {
    signal.removeEventListener('abort', end);
    cancelKill();
  });
  return { child, end, ended };
}

/**
 * What a program writes. It is whole when this comes to its end; whoever stops reading ends the program.
 * @throws BackupError when the program is missing or fails, after all that it wrote
 */
export async function* programOutput(call: ProgramCall): AsyncGenerator<Buffer> {
  const { child, end, ended } = start(call, ['ignore', 'pipe']);
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const failure = await ended;
    call.signal.throwIfAborted();
    if (failure) throw failure;
  } finally {
    end();
    await ended;
  }
}

/**
 * Lets a program read all of `content`, and waits for its end.
 * @throws BackupError when the program is missing or fails; what `content` threw otherwise
 */
export async function feedProgram(call: ProgramCall, content: AsyncIterable<Buffer>): Promise<void> {
  const { child, end, ended } = start(call, ['pipe', 'ignore']);
  let broken: unknown;
  await pipeline(content, child.stdin as Writable, { signal: call.signal }).catch((error: unknown) => {
    // A pipe that breaks says that the program ended: why, the program knows better.
    if (!brokenPipes.has((error as NodeJS.ErrnoException).code ?? '')) broken = error;
    end();
  });
  const failure = await ended;
  call.signal.throwIfAborted();
  if (broken !== undefined) throw broken;
  if (failure) throw failure;
}

/** The first of several names of a program that is installed, and what it says of its version. */
export async function findProgram(
  programs: readonly string[],
  context: Pick<ProgramCall, 'clock' | 'signal'>,
): Promise<{ program: string; version: string }> {
  for (const [index, program] of programs.entries())
    try {
      let version = '';
      for await (const chunk of programOutput({ program, args: ['--version'], ...context })) version += String(chunk);
      return { program, version: version.trim().slice(0, 200) };
    } catch (error) {
      const missing = error instanceof BackupError && error.code === 'program_missing';
      if (!missing || index === programs.length - 1) throw error;
    }
  throw new BackupError('program_missing');
}
