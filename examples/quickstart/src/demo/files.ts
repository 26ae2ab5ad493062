import { existsSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);

/** Makes the log and cache directories, with something in them for the first cleanup to find. */
export async function prepareFiles(logs: string, cache: string): Promise<void> {
  const isNew = !existsSync(logs);
  for (const directory of [logs, cache]) await mkdir(directory, { recursive: true });
  if (!isNew) return;
  const line = `${JSON.stringify({ level: 30, msg: 'session opened', subscriber: 'demo' })}\n`;
  await writeFile(join(logs, 'access.log'), line.repeat(200_000));
  for (let index = 0; index < 20; index++) {
    const file = join(cache, `page-${index}.html`);
    await writeFile(file, `<p>cached page ${index}</p>`.repeat(200));
    await utimes(file, daysAgo(10 + index), daysAgo(10 + index));
  }
}
