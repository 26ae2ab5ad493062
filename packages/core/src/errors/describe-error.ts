import { isOperationError } from './operation-error.js';

/**
 * What a log may say of any thrown value. Never the object itself: errors of drivers and of URL parsing carry
 * connection settings as properties.
 */
export function describeError(error: unknown): { code: string; error: string } {
  if (isOperationError(error)) return { code: error.code, error: error.message };
  if (!(error instanceof Error)) return { code: 'UNKNOWN', error: String(error) };
  const { code } = error as { code?: unknown };
  return { code: typeof code === 'string' ? code : error.name, error: error.message };
}
