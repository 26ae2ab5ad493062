/** The steps of a path: names and positions. */
export type Path = readonly (string | number)[];

const step = /\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d{1,6})\]|\["([^"\\]{1,100})"\]/y;
const mostSteps = 32;

/**
 * Reads `a.b[0]["any key"]`; undefined when the text is no path.
 */
export function readPath(text: string): Path | undefined {
  const path: (string | number)[] = [];
  step.lastIndex = 0;
  while (step.lastIndex < text.length) {
    const at = step.lastIndex;
    const match = step.exec(text);
    // A name that does not begin the path follows a dot, and one that does, none.
    if (!match || path.length === mostSteps || (match[1] !== undefined && (text[at] === '.') !== at > 0))
      return undefined;
    path.push(match[2] === undefined ? (match[1] ?? match[3] ?? '') : Number(match[2]));
  }
  return typeof path[0] === 'string' ? path : undefined;
}

/**
 * What lies at a path; undefined when nothing does. Only own properties are seen, and `length` of text and lists. Text
 * that the path leads into is read as JSON (`body.items`).
 */
export function follow(path: Path, from: unknown): unknown {
  let value = from;
  for (const key of path) {
    if (typeof value === 'string' && key !== 'length') value = parsed(value);
    if (typeof value === 'string' || Array.isArray(value)) {
      if (key === 'length') value = value.length;
      else value = typeof key === 'number' && Array.isArray(value) ? (value[key] as unknown) : undefined;
    } else if (typeof value === 'object' && value !== null && Object.hasOwn(value, key)) {
      value = (value as Record<string | number, unknown>)[key];
    } else return undefined;
  }
  return value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
