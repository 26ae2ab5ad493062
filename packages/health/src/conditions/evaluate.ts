import { said } from '../probes/said.js';
import type { Condition, Operator } from './condition.js';
import type { Facts } from './facts.js';
import { follow, readPath, type Path } from './path.js';

/** As much of a value is quoted, in characters: a list of them may have 50,000. */
const mostQuoted = 100;

type Test = (fact: unknown, value: unknown) => boolean;

const tests: Record<Exclude<Operator, 'missing'>, Test> = {
  eq: same,
  ne: (fact, value) => !same(fact, value),
  lt: ordered((fact, value) => fact < value),
  lte: ordered((fact, value) => fact <= value),
  gt: ordered((fact, value) => fact > value),
  gte: ordered((fact, value) => fact >= value),
  in: within,
  not_in: (fact, value) => !within(fact, value),
  contains,
  not_contains: (fact, value) => !contains(fact, value),
  starts_with: (fact, value) => textOf(fact)?.startsWith(String(value)) === true,
  ends_with: (fact, value) => textOf(fact)?.endsWith(String(value)) === true,
  like: (fact, value) => like(textOf(fact), String(value)),
  not_like: (fact, value) => !like(textOf(fact), String(value)),
  exists: () => true,
};

/** Whether a condition holds. */
export function holds({ on, op, value }: Condition, facts: Facts): boolean {
  const fact = follow(pathOf(on), facts);
  if (op === 'missing') return fact === undefined;
  return fact !== undefined && tests[op](fact, value);
}

/** The first condition that does not hold, critical ones first, in the words of who wrote it: facts are not shown. */
export function failedCondition(
  conditions: readonly Condition[],
  facts: Facts,
): { severity: Condition['severity']; message: string } | undefined {
  const failed = conditions.filter((condition) => !holds(condition, facts));
  const first = failed.find(({ severity }) => severity === 'critical') ?? failed[0];
  if (!first) return undefined;
  const { on, op, value, severity } = first;
  const wanted = value === undefined ? '' : ` ${said(JSON.stringify(value), mostQuoted)}`;
  return { severity, message: `The condition ${on} ${op}${wanted} does not hold` };
}

function pathOf(on: string): Path {
  return readPath(on) ?? [];
}

const decimal = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/;

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.length < 40 && decimal.test(value) ? Number(value) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'object' || value === undefined ? undefined : String(value as string | number | boolean);
}

/** Equal as numbers where one of them is a number, else as what they are. */
function same(fact: unknown, value: unknown): boolean {
  if (fact === value) return true;
  if (typeof fact !== 'number' && typeof value !== 'number') return false;
  const number = numberOf(fact);
  return number !== undefined && number === numberOf(value);
}

function ordered(compare: (fact: number, value: number) => boolean): Test {
  return (fact, value) => {
    const [left, right] = [numberOf(fact), numberOf(value)];
    return left !== undefined && right !== undefined && compare(left, right);
  };
}

function within(fact: unknown, values: unknown): boolean {
  return Array.isArray(values) && values.some((value) => same(fact, value));
}

function contains(fact: unknown, value: unknown): boolean {
  if (Array.isArray(fact)) return fact.some((item) => same(item, value));
  return textOf(fact)?.includes(String(value)) === true;
}

/** `*` stands for any text. One pass over the text: each piece is looked for behind the one before. */
function like(text: string | undefined, pattern: string): boolean {
  if (text === undefined) return false;
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
