/** What a column can keep: of what kind, and of that how much, by one measure or several. */
export interface Extent {
  /** `any`: whatever it is given. */
  kind: string;
  sizes: readonly number[];
}

/** Does a column keep all that one of another type does, as it is? */
export function holds(to: Extent, from: Extent): boolean {
  if (to.kind === 'any') return true;
  return to.kind === from.kind && from.sizes.every((size, index) => size <= (to.sizes[index] ?? size));
}

/** A type that holds nothing but its own values. */
export const exactly = (type: string): Extent => ({ kind: type, sizes: [] });
