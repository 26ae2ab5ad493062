import { z } from 'zod';

type Raw<Code extends z.core.$ZodIssue['code']> = z.core.$ZodRawIssue<Extract<z.core.$ZodIssue, { code: Code }>>;
type Bound = Pick<Raw<'too_small'>, 'origin' | 'inclusive' | 'exact'>;

/** The types by which zod knows what was expected, with JSON's words. */
const typeNames: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  bigint: 'a whole number',
  nan: 'no number',
  boolean: 'true or false',
  null: 'null',
  array: 'an array',
  set: 'an array',
  tuple: 'an array',
  object: 'an object',
  record: 'an object',
  map: 'an object',
  date: 'a date',
};

const formatNames: Record<string, string> = {
  email: 'an email address',
  url: 'a URL',
  uuid: 'a UUID',
  guid: 'a UUID',
  datetime: 'an instant as ISO 8601 has it, like 2026-01-31T12:00:00Z',
  date: 'a day as ISO 8601 has it, like 2026-01-31',
  time: 'a time of day as ISO 8601 has it, like 12:00:00',
  duration: 'a duration as ISO 8601 has it, like PT5M',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  cidrv4: 'an IPv4 network, like 192.0.2.0/24',
  cidrv6: 'an IPv6 network, like 2001:db8::/32',
  mac: 'a MAC address',
  base64: 'text in base64',
  base64url: 'text in base64url',
  json_string: 'JSON in a string',
  e164: 'a telephone number like +4915112345678',
  lowercase: 'in lower case',
  uppercase: 'in upper case',
};

/** What has a length, and what it is counted in, one and many. */
const units: Record<string, readonly [one: string, many: string]> = {
  string: ['character', 'characters'],
  array: ['item', 'items'],
  set: ['item', 'items'],
  map: ['entry', 'entries'],
  object: ['field', 'fields'],
  record: ['entry', 'entries'],
  file: ['byte', 'bytes'],
};

const known = (names: Record<string, string>, name: string): string | undefined =>
  Object.hasOwn(names, name) ? names[name] : undefined;
const withArticle = (type: string): string => `${/^[aeio]/.test(type) ? 'an' : 'a'} ${type}`;
const nameOfType = (type: string): string => known(typeNames, type) ?? withArticle(type);
const asJson = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value));
const listed = (values: readonly unknown[]): string => values.map(String).join(', ');

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isNaN(value) ? 'nan' : typeof value;
}

/** A length or a value that is out of bounds: `at least 3 items`, `less than 5`. */
function bound(words: { inclusive: string; exclusive: string }, limit: number | bigint, issue: Bound): string {
  const unit = Object.hasOwn(units, issue.origin) ? units[issue.origin] : undefined;
  const given = issue.origin === 'date' ? new Date(Number(limit)).toISOString() : String(limit);
  const how = issue.exact ? 'exactly' : issue.inclusive === false ? words.exclusive : words.inclusive;
  return unit ? `Must have ${how} ${given} ${unit[Number(limit) === 1 ? 0 : 1]}` : `Must be ${how} ${given}`;
}

/** What is said where nothing more is known. */
const plainly = 'This is not taken here';

/** What to say of each kind of fault that zod knows, in sentences that name what would be right. */
const sentences: { [Code in z.core.$ZodIssue['code']]: (issue: Raw<Code>) => string } = {
  invalid_type({ expected, input, inst }) {
    if (typeof input === 'number' && !Number.isFinite(input) && (expected === 'number' || expected === 'int'))
      return Number.isNaN(input) ? 'This is no number' : 'Must be a finite number';
    const wanted = nameOfType(inst instanceof z.ZodNumber && inst.isInt ? 'int' : expected);
    if (input === undefined) return `This is required: ${wanted}`;
    if (expected === 'int' && typeof input === 'number') return `Must be ${wanted}`;
    return `Must be ${wanted}, not ${typeof input === 'boolean' ? input : nameOfType(typeOf(input))}`;
  },
  invalid_value({ values, input }) {
    const taken = values.length === 1 ? asJson(values[0]) : `one of ${listed(values)}`;
    return input === undefined ? `This is required: ${taken}` : `Must be ${taken}`;
  },
  too_small: (issue) =>
    units[issue.origin] && issue.minimum === 1 && issue.inclusive !== false && !issue.exact
      ? 'Must not be empty'
      : bound({ inclusive: 'at least', exclusive: 'more than' }, issue.minimum, issue),
  too_big: (issue) => bound({ inclusive: 'at most', exclusive: 'less than' }, issue.maximum, issue),
  invalid_format({ format, pattern, prefix, suffix, includes }) {
    if (format === 'starts_with') return `Must start with ${asJson(prefix)}`;
    if (format === 'ends_with') return `Must end with ${asJson(suffix)}`;
    if (format === 'includes') return `Must contain ${asJson(includes)}`;
    if (format === 'regex') return `Must match ${pattern}`;
    return `Must be ${known(formatNames, format) ?? `in the format ${format}`}`;
  },
  not_multiple_of: ({ divisor }) => `Must be a multiple of ${divisor}`,
  unrecognized_keys: ({ keys }) => `There is no such field: ${listed(keys)}`,
  invalid_union({ errors, options }) {
    if (Array.isArray(options)) return `Must be one of ${listed(options)}`;
    // What each form says of the whole; what one says of a part of it would be of no use to who means another.
    const ofEach = (errors ?? []).map((each) => each.filter(({ path }) => path.length === 0).map((it) => it.message));
    const said = [...new Set(ofEach.flatMap(([first]) => first ?? []))];
    return said.length > 0 && ofEach.every((each) => each.length > 0)
      ? said.join('; or: ')
      : 'Is in no form that is taken here';
  },
  // That a key is no good is known by its path: what is wrong is what its own schema says.
  invalid_key: ({ issues }) => issues.map(({ message }) => message).join('; '),
  invalid_element: ({ issues }) => issues.map(({ message }) => message).join('; '),
  custom: () => plainly,
};

/** Without what no sentence of a kind can be made. A host's own schema may say of an issue what it likes, of a kind of its own, too. */
const needs: Readonly<Record<string, string>> = {
  invalid_type: 'expected',
  invalid_value: 'values',
  too_small: 'minimum',
  too_big: 'maximum',
  invalid_format: 'format',
  not_multiple_of: 'divisor',
  unrecognized_keys: 'keys',
  invalid_key: 'issues',
  invalid_element: 'issues',
};

function sentenceOf(issue: z.core.$ZodRawIssue): string {
  const needed = known(needs, issue.code);
  if (!Object.hasOwn(sentences, issue.code) || (needed !== undefined && issue[needed] === undefined)) return plainly;
  return (sentences[issue.code] as (issue: unknown) => string)(issue);
}

/**
 * Has zod say what is wrong in plain sentences, which name what would be right: `schema.safeParse(value, inWords)`. What
 * a schema says itself comes first, then what the application has zod say everywhere (`z.config({ customError })`). A
 * `locale` of zod is not asked: it has zod's own sentences, and there always is one.
 */
export const inWords = {
  error: (issue: z.core.$ZodRawIssue) => z.config().customError?.(issue) ?? sentenceOf(issue),
} as const;
