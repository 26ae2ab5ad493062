/**
 * Things in a line: each call takes constant time, amortised, however long it is. An array that is shifted is moved as a
 * whole once it is long.
 */
export class Line<Item> {
  /** The first of them, from the last to the first. */
  #ahead: Item[] = [];
  #behind: Item[] = [];

  get length(): number {
    return this.#ahead.length + this.#behind.length;
  }

  get first(): Item | undefined {
    this.#turn();
    return this.#ahead.at(-1);
  }

  add(item: Item): void {
    this.#behind.push(item);
  }

  /** Adds before all others. */
  addFirst(item: Item): void {
    this.#ahead.push(item);
  }

  /** Takes out the first. */
  take(): Item | undefined {
    this.#turn();
    return this.#ahead.pop();
  }

  #turn(): void {
    if (this.#ahead.length === 0) [this.#ahead, this.#behind] = [this.#behind.reverse(), this.#ahead];
  }
}
