import { sep } from 'node:path';
import type { PolicySet } from './policy-set.js';

/**
 * What is held while a directory is worked on: the outermost around it that is cleaned with all that is below. So two
 * policies of which one reaches into the directory of the other never work at once, by one lease each.
 */
export function directoryResource({ roots }: Pick<PolicySet, 'roots'>, directory: string): string {
  const around = roots.filter((root) => directory === root || directory.startsWith(root + sep));
  return `directory:${around.reduce((outer, root) => (root.length < outer.length ? root : outer), directory)}`;
}
