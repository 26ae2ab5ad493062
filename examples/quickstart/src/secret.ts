import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

/** A secret that survives restarts: made once, readable by this user alone. A real application takes it from its vault. */
export async function lastingSecret(file: string): Promise<string> {
  // `wx` decides who makes it when several processes start at once.
  await writeFile(file, randomBytes(32).toString('base64url'), { flag: 'wx', mode: 0o600 }).catch(() => undefined);
  return readFile(file, 'utf8');
}
