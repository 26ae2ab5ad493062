import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const lockFile = z.object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) });

/** The lock file that npm goes by: one that is published goes before one's own. */
async function lockedIn(directory: string): Promise<z.output<typeof lockFile>['packages']> {
  for (const name of ['npm-shrinkwrap.json', 'package-lock.json'])
    try {
      return lockFile.parse(JSON.parse(await readFile(join(directory, name), 'utf8'))).packages;
    } catch {
      // Not there, or not to be read: npm says what of it.
    }
  return {};
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Whether a project was installed without any of its packages for development. Then they are none of its concern. */
export async function lacksDevelopment(directory: string): Promise<boolean> {
  // Others are folders of the project's own, which are there before anything is installed.
  const locked = Object.entries(await lockedIn(directory)).filter(([path]) => path.includes('node_modules/'));
  const isAnyThere = async (isDevelopment: boolean): Promise<boolean> => {
    for (const [path, { dev = false }] of locked)
      if (dev === isDevelopment && (await isThere(join(directory, path)))) return true;
    return false;
  };
  const hasDevelopment = locked.some(([, { dev }]) => dev === true);
  return hasDevelopment && !(await isAnyThere(true)) && (await isAnyThere(false));
}
