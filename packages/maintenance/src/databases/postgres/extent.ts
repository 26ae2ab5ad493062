import { exactly, type Extent } from '../rows/extent.js';
import type { Column } from '../rows/selection.js';

const wholes: Readonly<Record<string, number>> = { smallint: 2 ** 15, integer: 2 ** 31, bigint: 2 ** 63 };
const floats: Readonly<Record<string, number>> = { real: 24, 'double precision': 53 };

/** By the type as `format_type` writes it: how great its numbers are, and how fine; how long its texts; how fine its times. */
export function extentOf({ type }: Column): Extent {
  const [, name = type, first, second, rest = ''] = /^([a-z ]+?)(?:\((\d+)(?:,(-?\d+))?\))?( with(?:out)? time zone)?$/.exec(type) ?? []; // prettier-ignore
  const size = first === undefined ? undefined : Number(first);
  if (Object.hasOwn(wholes, name)) return { kind: 'number', sizes: [wholes[name] as number, 0] };
  if (Object.hasOwn(floats, name)) return { kind: 'float', sizes: [floats[name] as number] };
  switch (name) {
    case 'numeric':
      if (size === undefined) return { kind: 'number', sizes: [Infinity, Infinity] };
      return { kind: 'number', sizes: [10 ** (size - Number(second)), Number(second)] };
    case 'text':
    case 'character varying':
      return { kind: 'text', sizes: [size ?? Infinity] };
    case 'timestamp':
    case 'time':
      return { kind: name + rest, sizes: [size ?? 6] };
    default:
      return exactly(type);
  }
}
