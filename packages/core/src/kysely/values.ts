/** An object or array for a `json` column. Wrap a bare string or number in an object first. */
export function toJson(value: object): string;
export function toJson(value: object | null | undefined): string | null;
export function toJson(value: object | null | undefined): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

/**
 * What a `json` column holds, whether the driver parsed it already (jsonb) or not. The caller names the type it
 * wrote.
 */
export function fromJson<Value>(stored: unknown): Value {
  return (typeof stored === 'string' ? JSON.parse(stored) : stored) as Value;
}

/** A boolean for a `flag` column: better-sqlite3 binds no booleans. */
export function toFlag(value: boolean): 0 | 1 {
  return value ? 1 : 0;
}

/** What a `flag` column says. */
export function fromFlag(stored: unknown): boolean {
  return Number(stored) === 1;
}

/** A nullable number column: host-made pg pools may give int8 as strings. */
export function numberOrNull(stored: unknown): number | null {
  return stored === null || stored === undefined ? null : Number(stored);
}
