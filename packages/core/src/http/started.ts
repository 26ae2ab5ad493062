/**
 * The same items, the first of them asked for at once. A generator that was never started runs no `finally` when it is
 * ended, and would go on holding what it was opened with: a client may go away before anything is read.
 */
export function started<Item>(items: AsyncIterable<Item>): AsyncIterableIterator<Item> {
  const iterator = items[Symbol.asyncIterator]();
  let first: Promise<IteratorResult<Item>> | undefined = iterator.next();
  // Whoever takes the first item is told of its failure.
  first.catch(() => undefined);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next() {
      const next = first ?? iterator.next();
      first = undefined;
      return next;
    },
    return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
  };
}
