import { v7 } from 'uuid';

const bytes = new Uint8Array(16);
const text = Buffer.allocUnsafeSlow(36).fill('-');
const digits = Buffer.from('0123456789abcdef');
/** Where each byte is written. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/**
 * A new UUIDv7 (RFC 9562): sortable by the millisecond it was made in, so that new rows land at an index's end. Written here,
 * in one piece: put together of twenty texts, an id takes ten times its own room, of which many made at once have much.
 */
export function newId(): string {
  v7(undefined, bytes);
  for (let index = 0; index < 16; index++) {
    const [byte, place] = [bytes[index] as number, places[index] as number];
    text[place] = digits[byte >> 4] as number;
    text[place + 1] = digits[byte & 15] as number;
  }
  return text.toString('latin1');
}
