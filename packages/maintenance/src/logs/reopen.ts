import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { SignalReopen } from '../policies/log-policy.js';

/**
 * Tells a writer to open its logs anew.
 * @throws when the process cannot be found or told
 */
export async function reopenLogs(how: (() => void | Promise<void>) | SignalReopen): Promise<void> {
  if (typeof how === 'function') return how();
  const { signal = 'SIGHUP', pid, pidFile } = how;
  const process = pidFile !== undefined ? await readPid(pidFile) : typeof pid === 'function' ? await pid() : pid;
  // 0 and below are groups of processes; 1 is the system.
  if (process === undefined || !Number.isSafeInteger(process) || process <= 1)
    throw new Error('there is no number of a process');
  globalThis.process.kill(process, signal);
}

const [mostBytes, othersMayWrite] = [32, 0o022];

async function readPid(path: string): Promise<number> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const facts = await file.stat();
    if (!facts.isFile() || (facts.mode & othersMayWrite) !== 0 || facts.size > mostBytes)
      throw new Error('the file is not one that only its owner may write a number to');
    const text = await file.readFile('utf8');
    if (!/^\s*\d+\s*$/.test(text)) throw new Error('the file holds no number');
    return Number(text);
  } finally {
    await file.close();
  }
}
