import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scratchPrefixes } from './left-scratch.js';
import { environmentOf, ProgramError, whyOf, type ProgramCall, type ProgramEnd } from './run-program.js';

/** One call of a program that is not ended by anybody. */
export interface UnendedCall extends Omit<ProgramCall, 'signal' | 'deadlineMs'> {
  /** After so long nobody waits for it any more, and it goes on. Ms. */
  patienceMs: number;
  /** Open, and closed here: the program has it until its end, be that after this process's. */
  holds?: FileHandle;
}

/** Of each of its outputs, the end alone is read: there stands why it gave up. */
const mostOutputBytes = 16 * 1_048_576;

/**
 * Runs a program that is to come to its end whatever happens to this process: it writes into files of its own, and belongs to
 * no group of ours that a terminal ends with us.
 * @throws ProgramError when it could not be begun, was ended by others, or nobody waits for it any more
 */
export async function runToItsEnd(call: UnendedCall): Promise<ProgramEnd> {
  const [out, err] = await nameless().catch(async (error: unknown) => {
    await call.holds?.close();
    throw error;
  });
  try {
    const code = await endOf(call, [out.fd, err.fd]);
    return { code, stdout: await lastOf(out), stderr: await lastOf(err) };
  } finally {
    await Promise.all([out.close(), err.close()]);
  }
}

/** Files that have no name any more: nothing is left of them when nobody has them open, not even by a process that is killed. */
async function nameless(): Promise<[FileHandle, FileHandle]> {
  const directory = await mkdtemp(join(tmpdir(), scratchPrefixes.program));
  try {
    return [await open(join(directory, 'out'), 'wx+', 0o600), await open(join(directory, 'err'), 'wx+', 0o600)];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function endOf(call: UnendedCall, outputs: [number, number]): Promise<number> {
  const { program, args, cwd, env, patienceMs, holds } = call;
  const options = { cwd, env: environmentOf(env), detached: true, windowsHide: true };
  const stdio = ['ignore' as const, ...outputs, ...(holds ? [holds.fd] : [])];
  let child: ChildProcess;
  let letGo: Promise<void> | undefined;
  try {
    child = spawn(program, args, { ...options, stdio });
  } finally {
    // The program alone has it from now on: what is no program any more holds nothing.
    letGo = holds?.close();
  }
  const impatience = AbortSignal.timeout(patienceMs);
  const ended = new Promise<number>((resolve, reject) => {
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
  await Promise.all([ended, letGo]);
  return ended;
}

async function lastOf(file: FileHandle): Promise<string> {
  const { size } = await file.stat();
  const length = Math.min(size, mostOutputBytes);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
  return buffer.toString('utf8', 0, bytesRead);
}
