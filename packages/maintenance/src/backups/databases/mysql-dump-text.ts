import type { Content } from '../source.js';

/** What runs by itself comes after this line: a rehearsal reads no further, or it would set events going twice. */
export const eventsMark = Buffer.from('\n-- dotmac: events from here on\n');

/** A dump up to its events. */
export async function* untilEvents(content: Content): Content {
  let kept = Buffer.alloc(0);
  for await (const chunk of content) {
    const joined = Buffer.concat([kept, chunk]);
    const at = joined.indexOf(eventsMark);
    if (at >= 0) return yield joined.subarray(0, at);
    const safe = Math.max(0, joined.length - eventsMark.length);
    yield joined.subarray(0, safe);
    kept = joined.subarray(safe);
  }
  yield kept;
}

/** A dump with other text in the place of some, wherever its chunks end. No row has a line break in a dump: text with one is none of a row. */
async function* replaced(content: Content, text: string, by: string): Content {
  const [wanted, other] = [Buffer.from(text), Buffer.from(by)];
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of content) {
    rest = Buffer.concat([rest, chunk]);
    for (let at = rest.indexOf(wanted); at >= 0; at = rest.indexOf(wanted)) {
      yield Buffer.concat([rest.subarray(0, at), other]);
      rest = rest.subarray(at + wanted.length);
    }
    const safe = rest.length - wanted.length + 1;
    if (safe <= 0) continue;
    yield rest.subarray(0, safe);
    rest = rest.subarray(safe);
  }
  yield rest;
}

/**
 * For MySQL's client, which ends at a command that it does not know: the line that MariaDB's programs of 2024 begin a
 * dump with. Later ones hide it from MySQL.
 */
export function withoutSandboxLine(dump: Content): Content {
  async function* afterLineEnd(): Content {
    yield Buffer.from('\n');
    yield* dump;
  }
  return replaced(afterLineEnd(), '\n/*!999999\\- enable the sandbox mode */', '\n');
}

/** How a trigger or an event ends in a dump, when its one statement has an end of its own: as MySQL's and as MariaDB's programs write it. */
const doubledEnds = ['; */;;\n', '; */ ;;\n', '; \n*/;;\n', '; \n*/ ;;\n'];

/**
 * A dump of MySQL that it takes back. A trigger or event that was made as one of several statements at once keeps the
 * semicolon that parts these; in the comment that a dump has it in, that is a mistake.
 */
export const withSingleEnds = (dump: Content): Content =>
  doubledEnds.reduce((content, end) => replaced(content, end, end.slice(1)), dump);
