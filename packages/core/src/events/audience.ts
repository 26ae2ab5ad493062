/** Those who follow what happens, by tenant or whatever they are told apart by. */
export interface Audience<Word> {
  /** Calls `listener` for every word about a key, and with null when the audience is dismissed. Returns how to stop. */
  follow(key: string, listener: (word: Word | null) => void): () => void;
  /** Tells all who follow a key. */
  tell(key: string, word: Word): void;
  followersOf(key: string): number;
  /** What is followed by anybody. */
  readonly keys: Iterable<string>;
  /** Takes followers again, after it was closed. */
  open(): void;
  /** Lets every follower go, and takes none until it is opened again. */
  close(): void;
  readonly isClosed: boolean;
}

/** Makes an audience of nobody yet. */
export function createAudience<Word>(): Audience<Word> {
  const followers = new Map<string, Set<(word: Word | null) => void>>();
  let isClosed = false;
  return {
    follow(key, listener) {
      const own = followers.get(key) ?? new Set();
      followers.set(key, own.add(listener));
      return () => {
        own.delete(listener);
        if (own.size === 0 && followers.get(key) === own) followers.delete(key);
      };
    },
    tell(key, word) {
      for (const listener of [...(followers.get(key) ?? [])]) listener(word);
    },
    followersOf: (key) => followers.get(key)?.size ?? 0,
    get keys() {
      return [...followers.keys()];
    },
    open: () => void (isClosed = false),
    close() {
      isClosed = true;
      for (const own of [...followers.values()]) for (const listener of [...own]) listener(null);
    },
    get isClosed() {
      return isClosed;
    },
  };
}
