import { v7 } from 'uuid';

/** A new UUIDv7 (RFC 9562): sortable by the millisecond it was made in, so that new rows land at an index's end. */
export function newId(): string {
  return v7();
}
