/** A byte of a name that is not UTF-8 stands as this much above itself: in a lone surrogate, which no valid text has. */
const escapedAt = 0xdc00;
const escaped = /[\udc80-\udcff]/u;

/**
 * A file's name as text: any bytes but `/` and NUL may stand in it. What is not UTF-8 is kept byte by byte in lone
 * surrogates, so that {@link bytesOfName} gives exactly the same name back.
 */
export function nameOfBytes(bytes: Buffer): string {
  const text = bytes.toString();
  if (!text.includes('\ufffd')) return text;
  let name = '';
  for (let at = 0; at < bytes.length;) {
    const length = lengthAt(bytes, at);
    const part = bytes.subarray(at, at + length);
    const character = part.toString();
    const valid = Buffer.from(character).equals(part);
    name += valid ? character : String.fromCharCode(escapedAt + (bytes[at] as number));
    at += valid ? length : 1;
  }
  return name;
}

/** How many bytes the character takes that begins there, going by its first. */
function lengthAt(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
}

/** The name as the system takes it: text, or bytes when it is not UTF-8. */
export function bytesOfName(name: string): string | Buffer {
  if (!escaped.test(name)) return name;
  const parts = name.split(/([\udc80-\udcff])/u);
  return Buffer.concat(
    parts.map((part) => (escaped.test(part) ? Buffer.of(part.charCodeAt(0) - escapedAt) : Buffer.from(part))),
  );
}

/** A name as people and reports may see it: on one line, and valid text. */
export function shownName(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\u2028\u2029\udc80-\udcff]/gu, (character) => {
    const code = character.charCodeAt(0);
    return escaped.test(character)
      ? `\\x${(code - escapedAt).toString(16)}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
