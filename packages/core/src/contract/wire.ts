import { z } from 'zod';
import { coreErrors } from '../errors/core-errors.js';
import type { InputIssue, OperationError } from '../errors/operation-error.js';
import { fieldsNoted } from './fields-by.js';
import { inWords } from './in-words.js';

/** What reading a wire value came to: the checked value, or every fault at once with its path in wire names. */
export type WireResult<T> = { ok: true; value: T } | { ok: false; issues: InputIssue[] };

/** The wire form of one schema: snake_case names, ISO instants; the keys of free-form records stay as they are. */
export interface Wire<S extends z.ZodType> {
  parse(wireValue: unknown): WireResult<z.output<S>>;
  /** The JSON text. Only what the schema names is written: a field that it does not know never leaves. */
  write(value: z.output<S>): string;
  /** What {@link write} says, as a value: to keep it, or to put it into something larger. */
  render(value: z.output<S>): unknown;
}

/** A body of nothing but faults must not make an answer larger than itself. */
const mostIssues = 100;
const longestKey = 200;

/** `there`: the fields that an object is to have, where that depends on another field. */
type Rename = (value: unknown, path: string, issues: InputIssue[], there?: readonly string[]) => unknown;
interface Form {
  rename: Rename;
  /** Straight to JSON text: writing is most of what a read-mostly API does, and a renamed copy to stringify doubles it. */
  write: (value: unknown) => string;
  /** A path of the schema's own names, in wire names. */
  wirePath(path: readonly PropertyKey[]): string[];
}

// eslint-disable-next-line no-control-regex -- just the characters that JSON escapes, and lone surrogates
const escaped = /[\u0000-\u001f"\\\ud800-\udfff]/;

function writePlain(value: unknown): string {
  if (typeof value === 'string') return escaped.test(value) ? JSON.stringify(value) : `"${value}"`;
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null';
  return JSON.stringify(value) ?? 'null';
}

const plain: Form = { rename: (value) => value, write: writePlain, wirePath: (path) => path.map(String) };

/** The wire spelling of a schema's name: `p95ResponseTime` is `p95_response_time`. */
export function wireName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const under = (path: string, key: PropertyKey): string => (path === '' ? String(key) : `${path}.${String(key)}`);

function objectForm({ shape, catchall }: { shape: Record<string, z.ZodType>; catchall?: z.ZodType }): Form {
  const fields = Object.entries(shape).map(([name, schema]) => {
    const wire = wireName(name);
    const key = `${JSON.stringify(wire)}:`;
    // Few and long pieces: text that is put together of many small ones is slow to send.
    return { name, wire, schema, first: `{${key}`, next: `,${key}`, form: formOf(schema) };
  });
  const byWire = new Map(fields.map((field) => [field.wire, field]));
  const byName = new Map(fields.map((field) => [field.name, field]));
  const names = fields.map(({ name }) => name);
  const noSuchField = (key: string, isFirst: boolean, there: readonly string[]): string => {
    if (byWire.has(wireName(key))) return `There is no such field: it is spelt ${wireName(key)}`;
    // Once: an answer says it no more often than it must.
    const listed = isFirst && there.length > 0 ? `; there are: ${there.map(wireName).join(', ')}` : '';
    return `There is no such field${listed}`;
  };
  const isLoose = catchall !== undefined && catchall.type !== 'never';
  return {
    rename(value, path, issues, there = names) {
      if (!isObject(value)) return value;
      const beside = (name: string): unknown => value[wireName(name)];
      const renamed: Record<string, unknown> = {};
      for (const [key, item] of Object.entries(value)) {
        const field = byWire.get(key);
        if (field)
          renamed[field.name] = field.form.rename(item, under(path, key), issues, fieldsNoted(field.schema, beside));
        else if (isLoose && !byName.has(key)) renamed[key] = item;
        else if (issues.length < mostIssues) {
          const name = key.slice(0, longestKey);
          issues.push({ path: under(path, name), message: noSuchField(name, issues.length === 0, there) });
        }
      }
      return renamed;
    },
    write(value) {
      if (!isObject(value)) return writePlain(value);
      let text = '';
      for (const { name, first, next, form } of fields) {
        const item = value[name];
        if (item !== undefined) text += (text === '' ? first : next) + (item === null ? 'null' : form.write(item));
      }
      if (isLoose)
        for (const [key, item] of Object.entries(value))
          if (item !== undefined && !byName.has(key))
            text += `${text === '' ? '{' : ','}${JSON.stringify(key)}:${writePlain(item)}`;
      return text === '' ? '{}' : `${text}}`;
    },
    wirePath([head, ...rest]) {
      const field = byName.get(String(head));
      return head === undefined ? [] : field ? [field.wire, ...field.form.wirePath(rest)] : [head, ...rest].map(String);
    },
  };
}

function listForm(item: Form): Form {
  return {
    rename: (value, path, issues) =>
      Array.isArray(value) ? value.map((each, index) => item.rename(each, under(path, index), issues)) : value,
    write(value) {
      if (!Array.isArray(value)) return writePlain(value);
      let text = '';
      for (const each of value as unknown[])
        text += (text === '' ? '[' : ',') + (each === null || each === undefined ? 'null' : item.write(each));
      return text === '' ? '[]' : `${text}]`;
    },
    wirePath: ([index, ...rest]) => (index === undefined ? [] : [String(index), ...item.wirePath(rest)]),
  };
}

function recordForm(item: Form): Form {
  return {
    rename: (value, path, issues) =>
      isObject(value)
        ? Object.fromEntries(Object.entries(value).map(([key, it]) => [key, item.rename(it, under(path, key), issues)]))
        : value,
    write(value) {
      if (!isObject(value)) return writePlain(value);
      const members = Object.entries(value).filter(([, it]) => it !== undefined);
      return `{${members.map(([key, it]) => `${JSON.stringify(key)}:${it === null ? 'null' : item.write(it)}`).join(',')}}`;
    },
    wirePath: ([key, ...rest]) => (key === undefined ? [] : [String(key), ...item.wirePath(rest)]),
  };
}

/** Known values are written once and for all. */
function enumForm(values: readonly (string | number)[]): Form {
  const texts = new Map<unknown, string>(values.map((value) => [value, JSON.stringify(value)]));
  return { ...plain, write: (value) => texts.get(value) ?? writePlain(value) };
}

/** Several shapes: the first that accepts the value. Only unions of plain values are free of that search. */
function unionForm(options: readonly z.ZodType[]): Form {
  const forms = options.map((schema) => ({ schema, form: formOf(schema) }));
  if (forms.every(({ form }) => form === plain)) return plain;
  return {
    rename(value, path, issues) {
      const tries = forms.map(({ schema, form }) => {
        const faults: InputIssue[] = [];
        const renamed = form.rename(value, path, faults);
        return { renamed, faults, fits: faults.length === 0 && schema.safeParse(renamed).success };
      });
      const best = tries.find(({ fits }) => fits) ?? tries[0];
      issues.push(...(best?.faults ?? []));
      return best?.renamed;
    },
    write: (value) =>
      (forms.find(({ schema }) => z.safeEncode(schema, value as never).success)?.form ?? plain).write(value),
    wirePath: (path) => forms[0]?.form.wirePath(path) ?? [],
  };
}

const forms = new WeakMap<z.ZodType, Form>();

/** Read off zod's own definition, once a schema. */
function formOf(schema: z.ZodType): Form {
  const known = forms.get(schema);
  if (known) return known;
  const form = readForm(schema);
  forms.set(schema, form);
  return form;
}

/** The members of zod 4's definitions that matter here (https://zod.dev/packages/core). */
interface Definition {
  type: string;
  shape: Record<string, z.ZodType>;
  catchall?: z.ZodType;
  entries: Record<string, string | number>;
  element: z.ZodType;
  valueType: z.ZodType;
  options: readonly z.ZodType[];
  in: z.ZodType;
  out: z.ZodType;
  /** Present on codecs alone. */
  reverseTransform?: (value: unknown, payload: object) => unknown;
  getter: () => z.ZodType;
  innerType?: z.ZodType;
}

/** Our codecs never refuse to encode; the payload is only where they would say so. */
const noIssues = { value: undefined, issues: [] };

function readForm(schema: z.ZodType): Form {
  const def = schema.def as unknown as Definition;
  switch (def.type) {
    case 'object':
      return objectForm(def);
    case 'enum':
      return enumForm(Object.values(def.entries));
    case 'array':
      return listForm(formOf(def.element));
    case 'record':
      return recordForm(formOf(def.valueType));
    case 'union':
      return unionForm(def.options);
    case 'pipe': {
      const encode = def.reverseTransform;
      if (encode) return { ...plain, write: (value) => writePlain(encode(value, noIssues)) };
      const input = formOf(def.in);
      return { rename: input.rename, write: formOf(def.out).write, wirePath: input.wirePath };
    }
    case 'lazy':
      return {
        rename: (value, path, issues) => formOf(def.getter()).rename(value, path, issues),
        write: (value) => formOf(def.getter()).write(value),
        wirePath: (path) => formOf(def.getter()).wirePath(path),
      };
    default:
      return def.innerType ? formOf(def.innerType) : plain;
  }
}

/** The wire form of `schema`; made once and kept. */
export function wireOf<S extends z.ZodType>(schema: S): Wire<S> {
  const form = formOf(schema);
  return {
    parse(wireValue) {
      const issues: InputIssue[] = [];
      const checked = schema.safeParse(form.rename(wireValue, '', issues), inWords);
      if (checked.success && issues.length === 0) return { ok: true, value: checked.data as z.output<S> };
      for (const issue of checked.error?.issues.slice(0, mostIssues) ?? [])
        issues.push({ path: form.wirePath(issue.path).join('.'), message: issue.message });
      return { ok: false, issues };
    },
    write: (value) => (value === undefined ? 'null' : form.write(value)),
    render: (value) => JSON.parse(form.write(value)) as unknown,
  };
}

/** INVALID_INPUT with every fault in it. */
export function invalidInput(issues: InputIssue[]): OperationError {
  return coreErrors.INVALID_INPUT({ count: issues.length }, { issues });
}
