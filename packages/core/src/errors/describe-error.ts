import { isOperationError } from './operation-error.js';

/** `user:password@` of a URL: drivers and `fetch` quote addresses whole. */
const withoutCredentials = (text: string): string => text.replace(/\/\/[^/\s@]*@/g, '//***@');

/**
 * What a log may say of any thrown value. Never the object itself: errors of drivers and of URL parsing carry
 * connection settings and statements as properties. Never throws.
 */
export function describeError(error: unknown): { code: string; error: string; stack?: string } {
  try {
    if (isOperationError(error)) return { code: error.code, error: withoutCredentials(error.message) };
    if (!(error instanceof Error)) return { code: 'UNKNOWN', error: withoutCredentials(String(error)) };
    const { code } = error as { code?: unknown };
    const said = { code: typeof code === 'string' ? code : error.name, error: withoutCredentials(error.message) };
    return error.stack === undefined ? said : { ...said, stack: withoutCredentials(error.stack) };
  } catch {
    return { code: 'UNKNOWN', error: 'a value that cannot be shown' };
  }
}
