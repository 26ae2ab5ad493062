import type { FileHandle } from 'node:fs/promises';
import { factsOf, sameFile } from './facts.js';
import type { OpenRoot } from './root.js';

/**
 * Whoever was held up finds that others took it for dead, and went on in its place: what they left is as it is to be. Its message is
 * for people, and carries no path.
 */
export class TakenOverError extends Error {
  override readonly name = 'TakenOverError';
  constructor() {
    super('another process took this one for dead, and went on in its place');
  }
}

/** Does a name lead to an open file, still? */
export async function isNameOf(root: OpenRoot, name: string, file: FileHandle): Promise<boolean> {
  const own = factsOf(await file.stat({ bigint: true }));
  const found = await root.facts(name);
  return found !== null && sameFile(found, own);
}
