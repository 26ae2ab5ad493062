/** Things that wait in line, each of somebody's. */
export interface Lines<Item> {
  /** Puts a thing at the end of its owner's line. */
  add(owner: string, item: Item): void;
  /** Takes out the thing whose turn it is; undefined when there is none. */
  next(): Item | undefined;
  readonly size: number;
}

/** So much of a line is behind it before what was taken is let go. */
const longestPast = 1_024;

/** Makes empty lines. Owners take turns, each with their things in their order. Every call takes constant time, amortised. */
export function lines<Item>(): Lines<Item> {
  /** In the order of their turns. */
  const byOwner = new Map<string, { items: Item[]; taken: number }>();
  let size = 0;
  return {
    add(owner, item) {
      size++;
      const line = byOwner.get(owner);
      if (line) line.items.push(item);
      else byOwner.set(owner, { items: [item], taken: 0 });
    },
    next() {
      for (const [owner, line] of byOwner) {
        const item = line.items[line.taken++];
        size--;
        byOwner.delete(owner);
        if (line.taken < line.items.length) byOwner.set(owner, line);
        if (line.taken >= longestPast && 2 * line.taken > line.items.length) {
          line.items = line.items.slice(line.taken);
          line.taken = 0;
        }
        return item;
      }
      return undefined;
    },
    get size() {
      return size;
    },
  };
}
