/** A binary min-heap of things with a time. */
export interface TimeHeap<Item extends { at: number }> {
  readonly size: number;
  push(item: Item): void;
  peek(): Item | undefined;
  pop(): Item | undefined;
  /** Drops every item that `keep` refuses; O(n). */
  retain(keep: (item: Item) => boolean): void;
}

/** Makes an empty heap. `push` and `pop` take O(log n). */
export function timeHeap<Item extends { at: number }>(): TimeHeap<Item> {
  let items: Item[] = [];
  const at = (index: number): Item => items[index] as Item;
  const swap = (a: number, b: number): void => {
    const kept = at(a);
    items[a] = at(b);
    items[b] = kept;
  };
  const rise = (start: number): void => {
    for (let index = start; index > 0;) {
      const parent = (index - 1) >> 1;
      if (at(parent).at <= at(index).at) return;
      swap(parent, index);
      index = parent;
    }
  };
  const sink = (start: number): void => {
    for (let index = start; ;) {
      const left = 2 * index + 1;
      if (left >= items.length) return;
      const right = left + 1;
      const least = right < items.length && at(right).at < at(left).at ? right : left;
      if (at(index).at <= at(least).at) return;
      swap(index, least);
      index = least;
    }
  };
  return {
    get size() {
      return items.length;
    },
    push(item) {
      items.push(item);
      rise(items.length - 1);
    },
    peek: () => items[0],
    pop() {
      const top = items[0];
      const last = items.pop();
      if (last !== undefined && items.length > 0) {
        items[0] = last;
        sink(0);
      }
      return top;
    },
    retain(keep) {
      items = items.filter(keep);
      for (let index = (items.length >> 1) - 1; index >= 0; index--) sink(index);
    },
  };
}
