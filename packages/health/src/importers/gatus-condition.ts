import type { EndpointDraft } from '../endpoints/endpoint.js';
import { readPath } from '../conditions/path.js';
import type { Leave } from './carried.js';

type Condition = NonNullable<EndpointDraft['conditions']>[number];
type Comparator = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** What Gatus's conditions of one endpoint come to here. */
export interface Wanted {
  conditions: Condition[];
  /** What each condition on the status allows. */
  statuses: ((status: number) => boolean)[];
  /** Seconds, when the response time is bounded. */
  expectedResponseTime?: number;
  rcode?: string;
  /** Texts that must be among the answers of a DNS server. */
  answers: string[];
}

const ops = { '==': 'eq', '!=': 'ne', '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' } as const;
const turned: Record<Comparator, Comparator> = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
const noEqual = 'There is no equal of this condition here';
const decimal = /^-?\d+(?:\.\d+)?$/;
const unitsMs: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A duration as Go writes it (`1h30m`), in milliseconds; a number without a unit is milliseconds. */
export function durationMs(text: string): number | undefined {
  const plain = text.trim();
  if (decimal.test(plain)) return Number(plain);
  const parts = [...plain.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== plain) return undefined;
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (unitsMs[unit] ?? 0), 0);
}

/** Splits `[STATUS] == 200`, with the placeholder first. */
function split(text: string): { left: string; comparator: Comparator; right: string } | undefined {
  // In the order in which Gatus looks for them.
  for (const comparator of ['==', '!=', '<=', '>=', '>', '<'] as const) {
    const [left, right, ...more] = text.split(` ${comparator} `).map((part) => part.trim());
    if (left === undefined || right === undefined || more.length > 0) continue;
    const isTurned = !/^(?:len\(|has\()?\[/.test(left) && /^(?:len\(|has\()?\[/.test(right);
    return isTurned ? { left: right, comparator: turned[comparator], right: left } : { left, comparator, right };
  }
  return undefined;
}

/** What a value on the right stands for: one of several, a pattern, or itself. */
function valueOf(text: string): { any: string[] } | { pattern: string } | { literal: string } {
  const [, name, inside = ''] = /^(any|pat)\((.*)\)$/.exec(text) ?? [];
  if (name === 'any') return { any: inside.split(',').map((part) => part.trim()) };
  return name === 'pat' ? { pattern: inside } : { literal: text };
}

/** Gatus compares text; here a list of both spellings does the same for what is no text in JSON. */
const spellings = (text: string): (string | boolean | number)[] =>
  text === 'true' || text === 'false' ? [text, text === 'true'] : decimal.test(text) ? [Number(text)] : [text];

const glob = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*+/g, '.*')}$`);

function matcherOf(value: ReturnType<typeof valueOf>): (status: string) => boolean {
  if ('any' in value) return (status) => value.any.includes(status);
  if ('literal' in value) return (status) => status === value.literal;
  const pattern = glob(value.pattern);
  return (status) => pattern.test(status);
}

function statusTest(comparator: Comparator, right: string): ((status: number) => boolean) | undefined {
  const value = valueOf(right);
  const isEqual = comparator === '==';
  if (isEqual || comparator === '!=') {
    if ('pattern' in value && /[?[\\]/.test(value.pattern)) return undefined;
    const matches = matcherOf(value);
    return (status) => matches(String(status)) === isEqual;
  }
  const bound = durationMs(right);
  if (bound === undefined) return undefined;
  const compare: Record<string, (status: number) => boolean> = {
    '<': (status) => status < bound,
    '<=': (status) => status <= bound,
    '>': (status) => status > bound,
    '>=': (status) => status >= bound,
  };
  return compare[comparator];
}

/** A comparison of something in the body. */
function comparison(on: string, comparator: Comparator, right: string): Condition | undefined {
  const value = valueOf(right);
  if (comparator === '==' || comparator === '!=') {
    const isEqual = comparator === '==';
    if ('pattern' in value)
      return /[?[\\/]/.test(value.pattern)
        ? undefined
        : { on, op: isEqual ? 'like' : 'not_like', value: value.pattern };
    const wanted = ('any' in value ? value.any : [value.literal]).flatMap(spellings);
    const [only] = wanted;
    return wanted.length === 1 && only !== undefined
      ? { on, op: ops[comparator], value: only }
      : { on, op: isEqual ? 'in' : 'not_in', value: wanted };
  }
  const bound = durationMs(right);
  return bound === undefined ? undefined : { on, op: ops[comparator], value: bound };
}

/** `[BODY].a[0]` as a path of ours. */
function bodyPath(placeholder: string): string | undefined {
  const path = `body${placeholder.slice('[BODY]'.length)}`;
  return readPath(path) ? path : undefined;
}

/** Reads the conditions of one endpoint. What has no equal stays behind. */
export function wantedOf(
  texts: readonly string[],
  kind: 'http' | 'dns' | 'tls' | 'grpc' | 'websocket' | 'other',
  leave: Leave,
): Wanted {
  const wanted: Wanted = { conditions: [], statuses: [], answers: [] };
  for (const text of texts) {
    const parts = split(text);
    const refuse = (reason = noEqual): void => leave('conditions', `${text}: ${reason}`);
    if (!parts) refuse('This is no condition');
    else read(wanted, parts, kind, refuse);
  }
  return wanted;
}

type Parts = NonNullable<ReturnType<typeof split>>;

function read(
  wanted: Wanted,
  { left, comparator, right }: Parts,
  kind: string,
  refuse: (reason?: string) => void,
): void {
  const [, fn, inside] = /^(len|has)\((.*)\)$/.exec(left) ?? [];
  const placeholder = (inside ?? left).replace(/^\[[A-Za-z_]+\]/, (name) => name.toUpperCase());
  if (/^\[BODY\]/.test(placeholder) && kind === 'http') {
    const path = bodyPath(placeholder);
    if (path === undefined) return refuse('The path cannot be written here');
    if (fn === 'has') {
      const isThere = (right === 'true') === (comparator === '==');
      return void wanted.conditions.push({ on: path, op: isThere ? 'exists' : 'missing' });
    }
    const condition = comparison(fn === 'len' ? `${path}.length` : path, comparator, right);
    return condition ? void wanted.conditions.push(condition) : refuse();
  }
  if (fn !== undefined) return refuse();
  // A check of gRPC asks for no less.
  if (kind === 'grpc' && placeholder === '[BODY].status' && comparator === '==' && right === 'SERVING') return;
  if (kind === 'websocket' && placeholder === '[BODY]') {
    const condition = comparison('message', comparator, right);
    return condition ? void wanted.conditions.push(condition) : refuse();
  }
  switch (placeholder) {
    case '[CONNECTED]':
      // Every check here wants a connection.
      return (right === 'true') === (comparator === '==') ? undefined : refuse('Nothing here wants a failure');
    case '[STATUS]': {
      const test = kind === 'http' ? statusTest(comparator, right) : undefined;
      return test ? void wanted.statuses.push(test) : refuse();
    }
    case '[RESPONSE_TIME]': {
      const boundMs = durationMs(right);
      if (boundMs === undefined) return refuse();
      if (comparator.startsWith('<'))
        wanted.expectedResponseTime = Math.min(wanted.expectedResponseTime ?? 30, Math.max(0.1, boundMs / 1_000));
      return void wanted.conditions.push({ on: 'latency', op: ops[comparator], value: boundMs / 1_000 });
    }
    case '[CERTIFICATE_EXPIRATION]': {
      const leastMs = durationMs(right);
      if (leastMs === undefined || !comparator.startsWith('>') || !['http', 'tls'].includes(kind)) return refuse();
      const days = Math.ceil(leastMs / 86_400_000);
      return void wanted.conditions.push({ on: 'certificate.days_left', op: 'gte', value: days });
    }
    case '[DNS_RCODE]':
      if (kind !== 'dns' || comparator !== '==' || !('literal' in valueOf(right))) return refuse();
      wanted.rcode = right;
      return undefined;
    case '[BODY]':
      if (kind !== 'dns' || comparator !== '==' || !('literal' in valueOf(right))) return refuse();
      return void wanted.answers.push(right);
    default:
      return refuse();
  }
}
