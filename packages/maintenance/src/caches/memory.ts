/** A cache in this process's memory; lru-cache is one as it is. */
export interface MemoryCache {
  /** Entries, those that have expired among them. */
  readonly size: number;
  /** Removes what has expired. */
  purgeStale(): unknown;
  /** Removes everything. */
  clear(): void;
}

/** Removes what has expired, or everything; how many entries went. */
export function pruneMemory(cache: MemoryCache, remove: 'stale' | 'all'): { seen: number; removed: number } {
  const seen = cache.size;
  if (remove === 'all') cache.clear();
  else cache.purgeStale();
  return { seen, removed: Math.max(0, seen - cache.size) };
}
