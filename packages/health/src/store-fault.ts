import { describeError, isOperationError, type Logger } from '@dotmac/core';

/** Tells why the store is not read, once until it was read again or there is another reason. */
export interface StoreFaults {
  tell(error: unknown): void;
  /** It was read. */
  over(): void;
}

/**
 * Tells what comes of looking into the store time and again. That it is out of reach passes, and is a warning. What it
 * refuses, a column that is missing or what cannot be read, is for people to repair, and an error. It is asked again all the
 * same: a migration may be under way.
 * @param what what cannot be done meanwhile
 */
export function storeFaults(logger: Logger, what: string): StoreFaults {
  let told = '';
  return {
    tell(error) {
      const described = describeError(error);
      if (told === described.code) return;
      told = described.code;
      if (isOperationError(error, 'STORE_UNAVAILABLE')) logger.warn(described, `${what}: the store is out of reach`);
      else logger.error(described, `${what}: the store was asked, and that failed`);
    },
    over: () => void (told = ''),
  };
}
