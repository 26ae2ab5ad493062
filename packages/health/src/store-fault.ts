import { describeError, isOperationError, type Logger } from '@dotmac/core';

/** Tells why the store is not read: each reason once until it was read again. */
export interface StoreFaults {
  tell(error: unknown): void;
  /** It was read. */
  over(): void;
}

/** A fault that names what it met has as many messages as there is to meet. */
const mostTold = 20;

/**
 * Tells what comes of looking into the store time and again. That it is out of reach passes, and is a warning. What it
 * refuses, a column that is missing or what cannot be read, is for people to repair, and an error. It is asked again all the
 * same: a migration may be under way.
 * @param what what cannot be done meanwhile
 */
export function storeFaults(logger: Logger, what: string): StoreFaults {
  const told = new Set<string>();
  return {
    tell(error) {
      const described = describeError(error);
      // A code of ours says which fault it is; of a driver's faults, many have none.
      const fault = isOperationError(error) ? described.code : `${described.code} ${described.error}`;
      if (told.has(fault) || told.size >= mostTold) return;
      told.add(fault);
      if (isOperationError(error, 'STORE_UNAVAILABLE')) logger.warn(described, `${what}: the store is out of reach`);
      else logger.error(described, `${what}: the store was asked, and that failed`);
    },
    over: () => told.clear(),
  };
}
