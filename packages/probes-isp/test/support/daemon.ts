import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closedPort } from '../../../../test/support/ports.js';

/** A program that runs in the foreground for a test file, with a folder of its own, until it is stopped. */
export interface Daemon {
  port: number;
  stop(): Promise<void>;
}

/** Starts a program with the files and arguments that fit its folder and port, and waits until it says `ready`. */
export async function startDaemon(
  program: string,
  ready: string,
  setUp: (place: { folder: string; port: number }) => {
    files: Record<string, string>;
    words: string[];
    env?: Record<string, string>;
  },
): Promise<Daemon> {
  const folder = mkdtempSync(join(tmpdir(), 'dotmac-isp-'));
  const port = await closedPort();
  const { files, words, env } = setUp({ folder, port });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  const child = spawn(program, words, { env: { PATH: path, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let said = '';
  const started = new Promise<void>((resolve, reject) => {
    const hear = (text: Buffer): void => {
      said += text.toString();
      if (said.includes(ready)) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', reject);
    child.on('exit', () => reject(new Error(`${program} did not start:\n${said}`)));
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.kill('SIGKILL')) await exited;
    rmSync(folder, { recursive: true });
  };
  await started.catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { port, stop };
}
