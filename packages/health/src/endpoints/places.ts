import type { Directory } from '../monitoring/directory.js';

/** Places for endpoints that are about to be kept: those under way count, so that many at once do not pass the limit. */
export interface Places {
  /** Takes a place; false when a tenant has no more, or would have none with so many others taken besides. */
  take(tenantId: string, besides?: number): boolean;
  /** Gives places back: what was to have them is in the directory by now, or will not be. */
  release(tenantId: string, count: number): void;
}

/** As many places as a tenant may have endpoints. */
export function createPlaces(directory: Pick<Directory, 'countOf'>, most: number): Places {
  const underWay = new Map<string, number>();
  return {
    take(tenantId, besides = 0) {
      const taken = underWay.get(tenantId) ?? 0;
      if (directory.countOf(tenantId) + taken + besides >= most) return false;
      underWay.set(tenantId, taken + 1);
      return true;
    },
    release(tenantId, count) {
      const left = (underWay.get(tenantId) ?? 0) - count;
      if (left > 0) underWay.set(tenantId, left);
      else underWay.delete(tenantId);
    },
  };
}
