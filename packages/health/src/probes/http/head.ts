import { NotHttp } from '@dotmac/core/net';

/** The head of an HTTP/1 answer. */
export interface Head {
  status: number;
  version: string;
  /** Names in lower case; several of one name come one by one. */
  fields: readonly (readonly [name: string, value: string])[];
}

/** As long as Node lets one be. */
const longestHead = 16_384;
/** A figure stands for any figure. */
const beginning = 'HTTP/0.0 000';
const statusLine = /^HTTP\/(\d\.\d) ([1-9]\d\d)(?: [\t -~\x80-\xff]*)?$/;
const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t -~\x80-\xff]*)$/;
const folded = /^[\t ][\t -~\x80-\xff]*$/;

/**
 * Reads the head that a text begins with (RFC 9112), one byte a character; undefined as long as it may become one.
 * `size` is how much of the text it is.
 * @throws NotHttp as soon as it cannot become one, and when it leaves open where the message would end
 */
export function readHead(text: string): { head: Head; size: number } | undefined {
  if (!mayBegin(text)) throw new NotHttp();
  const lines: string[] = [];
  for (let from = 0; ;) {
    const end = text.indexOf('\n', from);
    if (end > longestHead || (end < 0 && text.length > longestHead)) throw new NotHttp();
    if (end < 0) return undefined;
    const line = text.slice(from, text[end - 1] === '\r' ? end - 1 : end);
    from = end + 1;
    if (line === '' && lines.length > 0) return { head: headOf(lines), size: from };
    lines.push(line);
  }
}

/** Whether what came so far is how an answer begins: who speaks something else may wait for us, and never end a line. */
function mayBegin(text: string): boolean {
  for (let at = 0; at < beginning.length && at < text.length; at++) {
    const [wanted, found] = [beginning[at], text[at] as string];
    if (wanted === '0' ? found < '0' || found > '9' : found !== wanted) return false;
  }
  return true;
}

function headOf([first = '', ...rest]: readonly string[]): Head {
  const [, version, status] = statusLine.exec(first) ?? [];
  if (version === undefined) throw new NotHttp();
  const fields: [string, string][] = [];
  for (const line of rest) {
    const [, name, value] = fieldLine.exec(line) ?? [];
    const last = fields.at(-1);
    if (name !== undefined) fields.push([name.toLowerCase(), bare(value ?? '')]);
    else if (last && folded.test(line)) last[1] = bare(`${last[1]} ${bare(line)}`);
    else throw new NotHttp();
  }
  const lengths = fields.filter(([name]) => name === 'content-length');
  const isCoded = fields.some(([name]) => name === 'transfer-encoding');
  const isClear = lengths.length === 0 || (lengths.length === 1 && !isCoded && /^\d+$/.test(lengths[0]?.[1] ?? ''));
  if (!isClear) throw new NotHttp();
  return { status: Number(status), version, fields };
}

/** Without the blanks around it; a pattern would go over long ones again and again. */
function bare(text: string): string {
  let [from, until] = [0, text.length];
  while (from < until && isBlank(text[from])) from++;
  while (until > from && isBlank(text[until - 1])) until--;
  return text.slice(from, until);
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

/** Fields that there is one of: what comes again is passed over, as Node does. */
const single = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
]);

/** Fields by their names; several of one name are joined by a comma. */
export function joined(fields: Head['fields']): Record<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of fields) {
    const known = headers.get(name);
    if (known === undefined) headers.set(name, value);
    else if (!single.has(name)) headers.set(name, `${known}${name === 'cookie' ? '; ' : ', '}${value}`);
  }
  return Object.fromEntries(headers);
}
