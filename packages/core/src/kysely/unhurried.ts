import { AsyncLocalStorage } from 'node:async_hooks';

const hurry = new AsyncLocalStorage<'none'>();

/** Does work whose statements take as long as they take: cut off, a migration would start from the beginning. */
export function unhurried<Result>(work: () => Promise<Result>): Promise<Result> {
  return hurry.run('none', work);
}

/** Is this part of such work? */
export function isUnhurried(): boolean {
  return hurry.getStore() === 'none';
}
