import { exactly, type Extent } from '../rows/extent.js';
import type { Column } from '../rows/selection.js';

const bits: Readonly<Record<string, number>> = { tinyint: 8, smallint: 16, mediumint: 24, int: 32, bigint: 64 };
const floats: Readonly<Record<string, number>> = { float: 24, double: 53 };
const tiers: Readonly<Record<string, number>> = { tiny: 2 ** 8 - 1, '': 2 ** 16 - 1, medium: 2 ** 24 - 1, long: 2 ** 32 - 1 }; // prettier-ignore
/** Each has the characters of those before it. */
const unicode = ['ascii', 'utf8mb3', 'utf8mb4'];

/** By the type as the catalogue writes it: how great its numbers are, above and below nought, and how fine; how long its texts; how fine its times. */
export function extentOf({ type, declared = type, charset }: Column): Extent {
  const [, name = '', first, second, sign] = /^(\w+)(?:\((\d+)(?:,(\d+))?\))?( unsigned)?(?: zerofill)?$/.exec(declared) ?? []; // prettier-ignore
  const size = first === undefined ? undefined : Number(first);
  const number = (most: number, fraction: number): Extent => ({
    kind: 'number',
    sizes: [most, sign === undefined ? most : 0, fraction],
  });
  if (Object.hasOwn(bits, name)) return number(2 ** ((bits[name] as number) - (sign === undefined ? 1 : 0)), 0);
  if (name === 'decimal' && size !== undefined) return number(10 ** (size - Number(second)), Number(second));
  if (Object.hasOwn(floats, name) && size === undefined)
    return { kind: `float${sign ?? ''}`, sizes: [floats[name] as number] };
  if (name === 'datetime' || name === 'timestamp' || name === 'time') return { kind: name, sizes: [size ?? 0] };
  if (name === 'varbinary' && size !== undefined) return { kind: 'bytes', sizes: [size] };
  if (name === 'varchar' && size !== undefined) return text(size, 4 * size, charset);
  const [, tier = '', of] = /^(tiny|medium|long|)(text|blob)$/.exec(name) ?? [];
  const most = tiers[tier] as number;
  if (of === 'blob') return { kind: 'bytes', sizes: [most] };
  return of === 'text' ? text(most, most, charset) : exactly(`${declared} ${charset ?? ''}`);
}

function text(characters: number, bytes: number, charset = ''): Extent {
  const place = unicode.indexOf(charset === 'utf8' ? 'utf8mb3' : charset);
  return { kind: place < 0 ? `text in ${charset}` : 'text', sizes: [characters, bytes, place] };
}
