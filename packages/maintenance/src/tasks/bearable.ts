import type { TaskContext } from './task.js';

/**
 * Each of `all` with what to work with, until no other is to be begun: first those on databases that can bear work now, so that
 * one that cannot keeps none of the others from its turn; then the rest, one after the other, each when its database can.
 */
export async function* whenBearable<Item>(
  context: TaskContext,
  all: readonly Item[],
  databaseOf: (item: Item) => string | undefined,
): AsyncGenerator<[Item, TaskContext], void> {
  const later: Item[] = [];
  for (const item of all) {
    const there = await context.onDatabase(databaseOf(item), { waits: false });
    if (there) yield [item, there];
    else later.push(item);
  }
  for (const item of later) {
    const there = await context.onDatabase(databaseOf(item));
    if (!there) return;
    yield [item, there];
  }
}

/**
 * All of `all` at once whose databases can bear work now; then those of each other database, when that can. What is to come of
 * these nobody knows until then.
 */
export async function* bearableParts<Item>(
  context: TaskContext,
  all: readonly Item[],
  databaseOf: (item: Item) => string,
): AsyncGenerator<Item[], void> {
  const later: string[] = [];
  for (const name of new Set(all.map(databaseOf)))
    if (!(await context.onDatabase(name, { waits: false }))) later.push(name);
  for (const name of later) context.expect(`database:${name}`, null);
  const now = all.filter((item) => !later.includes(databaseOf(item)));
  if (now.length > 0) yield now;
  for (const name of later) {
    if (!(await context.onDatabase(name))) return;
    context.expect(`database:${name}`, 0);
    yield all.filter((item) => databaseOf(item) === name);
  }
}
