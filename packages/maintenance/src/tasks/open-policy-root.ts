import { openRoot, UnsafePathError, type OpenRoot } from '../files/root.js';
import { maintenanceErrors } from '../errors.js';

/** What came of a policy's directory. */
export type RootOutcome<Result> = { outcome: 'done'; result: Result } | { outcome: 'missing'; result?: undefined };

/**
 * Does `work` in a policy's directory.
 * @throws ROOT_NOT_SAFE when it, or something in it that was to be worked on, is not what it seemed to be
 */
export async function openPolicyRoot<Result>(
  { name, directory }: { name: string; directory: string },
  work: (root: OpenRoot) => Promise<Result>,
): Promise<RootOutcome<Result>> {
  try {
    const root = await openRoot(directory);
    if (!root) return { outcome: 'missing' };
    try {
      return { outcome: 'done', result: await work(root) };
    } finally {
      await root.close();
    }
  } catch (error) {
    if (error instanceof UnsafePathError)
      throw maintenanceErrors.ROOT_NOT_SAFE({ policy: name, reason: error.message }, { cause: error });
    throw error;
  }
}
