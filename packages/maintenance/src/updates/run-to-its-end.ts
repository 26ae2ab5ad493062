import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentOf, ProgramError, whyOf, type ProgramCall, type ProgramEnd } from './run-program.js';

/** One call of a program that is not ended by anybody. */
export interface UnendedCall extends Omit<ProgramCall, 'signal' | 'deadlineMs'> {
  /** After so long nobody waits for it any more, and it goes on. Ms. */
  patienceMs: number;
}

/** Of each of its outputs, the end alone is read: there stands why it gave up. */
const mostOutputBytes = 16 * 1_048_576;

/**
 * Runs a program that is to come to its end whatever happens to this process: it writes into files of its own, and belongs to
 * no group of ours that a terminal ends with us.
 * @throws ProgramError when it could not be begun, was ended by others, or nobody waits for it any more
 */
export async function runToItsEnd(call: UnendedCall): Promise<ProgramEnd> {
  const directory = await mkdtemp(join(tmpdir(), 'dotmac-program-'));
  try {
    const [out, err] = [
      await open(join(directory, 'out'), 'wx+', 0o600),
      await open(join(directory, 'err'), 'wx+', 0o600),
    ];
    try {
      const code = await endOf(call, [out.fd, err.fd]);
      return { code, stdout: await lastOf(out), stderr: await lastOf(err) };
    } finally {
      await Promise.all([out.close(), err.close()]);
    }
  } finally {
    // Who is still at it goes on writing into what has no name any more.
    await rm(directory, { recursive: true, force: true });
  }
}

function endOf({ program, args, cwd, env, patienceMs }: UnendedCall, outputs: [number, number]): Promise<number> {
  const options = { cwd, env: environmentOf(env), detached: true, windowsHide: true };
  const child: ChildProcess = spawn(program, args, { ...options, stdio: ['ignore', ...outputs] });
  const impatience = AbortSignal.timeout(patienceMs);
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new ProgramError(whyOf(program, error as NodeJS.ErrnoException), { cause: error })),
    );
    child.once('exit', (code) =>
      code === null ? reject(new ProgramError(`${program} was ended by others`)) : resolve(code),
    );
    impatience.addEventListener('abort', () => {
      child.unref();
      reject(new ProgramError(`${program} has not come to its end in time, and goes on by itself`));
    });
  });
}

async function lastOf(file: FileHandle): Promise<string> {
  const { size } = await file.stat();
  const length = Math.min(size, mostOutputBytes);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
  return buffer.toString('utf8', 0, bytesRead);
}
