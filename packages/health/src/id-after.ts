import { invalidInput } from '@dotmac/core/contract';

const id = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The id that a page begins after: the cursor of a list in the order of ids; null for its first page, also when it is empty.
 * @throws INVALID_INPUT for a cursor that is none: it would lead to no items at all, or to the first ones again and again
 */
export function idAfter(cursor: string | undefined): string | null {
  if (cursor === undefined || cursor === '') return null;
  if (id.test(cursor)) return cursor;
  throw invalidInput([{ path: 'cursor', message: 'This is no cursor of a page before' }]);
}
