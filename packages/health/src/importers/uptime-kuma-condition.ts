import { z } from 'zod';
import { readPath } from '../conditions/path.js';
import type { Draft, Leave } from './carried.js';
import { needed, type KumaMonitor } from './uptime-kuma-monitor.js';

type Conditions = NonNullable<Draft['conditions']>;

const operators: Record<string, 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte' | 'contains'> = {
  '==': 'eq',
  '!=': 'ne',
  '<': 'lt',
  '<=': 'lte',
  '>': 'gt',
  '>=': 'gte',
  contains: 'contains',
};

/** What must hold for a body: a keyword, or a comparison. */
export function bodyConditions(monitor: KumaMonitor, leave: Leave): Conditions {
  const { type, keyword, invertKeyword } = monitor;
  if (type === 'keyword')
    return [{ on: 'body', op: invertKeyword ? 'not_contains' : 'contains', value: needed(keyword, 'keyword') }];
  if (type !== 'json-query') return [];
  needed(monitor.jsonPath, 'jsonPath');
  return comparisonOf('body', monitor, leave);
}

/** A comparison of a fact, or of what lies in it. Of JSONata, paths alone. */
export function comparisonOf(fact: string, monitor: KumaMonitor, leave: Leave): Conditions {
  const { jsonPath, expectedValue } = monitor;
  const path = `${fact}${(jsonPath ?? '').replace(/^\$(?=[.[]|$)/, '').replace(/^(?=[A-Za-z_])/, '.')}`;
  const op = operators[monitor.jsonPathOperator ?? '=='];
  if (!readPath(path) || op === undefined) {
    leave('jsonPath', `${jsonPath ?? ''}: only paths can be compared here`);
    return [];
  }
  const value = needed(expectedValue, 'expectedValue');
  const number = value.trim() === '' ? NaN : Number(value);
  if (value === 'true' || value === 'false')
    return [{ on: path, op: op === 'ne' ? 'not_in' : 'in', value: [value, value === 'true'] }];
  return [{ on: path, op, value: Number.isFinite(number) && op !== 'contains' ? number : value }];
}

const isRecord = z.object({ variable: z.literal('record'), operator: z.literal('equals'), value: z.string().min(1) });

/** The one record that must be among a name server's answers; other conditions on records stay behind. */
export function recordsOf({ conditions }: KumaMonitor, leave: Leave): string[] {
  const [only, ...others] = conditions ?? [];
  if (only === undefined) return [];
  const read = isRecord.safeParse(only);
  if (read.success && others.length === 0) return [read.data.value];
  leave('conditions', 'Of conditions on records, one that a record equals can be carried over');
  return [];
}
