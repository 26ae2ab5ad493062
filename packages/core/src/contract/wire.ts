import { z } from 'zod';
import { coreErrors } from '../errors/core-errors.js';
import type { InputIssue, OperationError } from '../errors/operation-error.js';

/** What reading a wire value came to: the checked value, or every fault at once with its path in wire names. */
export type WireResult<T> = { ok: true; value: T } | { ok: false; issues: InputIssue[] };

/** The wire form of one schema: snake_case names, ISO instants; the keys of free-form records stay as they are. */
export interface Wire<S extends z.ZodType> {
  parse(wireValue: unknown): WireResult<z.output<S>>;
  /** Only what the schema names is rendered: a field that it does not know never leaves. */
  render(value: z.output<S>): unknown;
}

type Rename = (value: unknown, path: string, issues: InputIssue[]) => unknown;
type Render = (value: unknown) => unknown;
interface Form {
  rename: Rename;
  /** Undefined where the wire form is the value itself, so that large arrays of plain values are not copied. */
  render: Render | undefined;
  /** A path of the schema's own names, in wire names. */
  wirePath(path: readonly PropertyKey[]): string[];
}

const keep: Form = { rename: (value) => value, render: undefined, wirePath: (path) => path.map(String) };

/** The wire spelling of a schema's name: `p95ResponseTime` is `p95_response_time`. */
export function wireName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const under = (path: string, key: PropertyKey): string => (path === '' ? String(key) : `${path}.${String(key)}`);

function objectForm({ shape, catchall }: { shape: Record<string, z.ZodType>; catchall?: z.ZodType }): Form {
  const fields = Object.entries(shape).map(([name, schema]) => ({ name, wire: wireName(name), form: formOf(schema) }));
  const byWire = new Map(fields.map((field) => [field.wire, field]));
  const byName = new Map(fields.map((field) => [field.name, field]));
  const isLoose = catchall !== undefined && catchall.type !== 'never';
  return {
    rename(value, path, issues) {
      if (!isObject(value)) return value;
      const renamed: Record<string, unknown> = {};
      for (const [key, item] of Object.entries(value)) {
        const field = byWire.get(key);
        if (field) renamed[field.name] = field.form.rename(item, under(path, key), issues);
        else if (isLoose && !byName.has(key)) renamed[key] = item;
        else issues.push({ path: under(path, key), message: 'There is no such field' });
      }
      return renamed;
    },
    render(value) {
      const source = value as Record<string, unknown>;
      const rendered: Record<string, unknown> = isLoose
        ? Object.fromEntries(Object.entries(source).filter(([key]) => !byName.has(key)))
        : {};
      for (const { name, wire, form } of fields) {
        const item = source[name];
        if (item !== undefined) rendered[wire] = form.render && item !== null ? form.render(item) : item;
      }
      return rendered;
    },
    wirePath([head, ...rest]) {
      const field = byName.get(String(head));
      return head === undefined ? [] : field ? [field.wire, ...field.form.wirePath(rest)] : [head, ...rest].map(String);
    },
  };
}

function listForm(item: Form): Form {
  const { render } = item;
  return {
    rename: (value, path, issues) =>
      Array.isArray(value) ? value.map((each, index) => item.rename(each, under(path, index), issues)) : value,
    render: render && ((value) => (value as unknown[]).map((each) => (each === null ? each : render(each)))),
    wirePath: ([index, ...rest]) => (index === undefined ? [] : [String(index), ...item.wirePath(rest)]),
  };
}

function recordForm(item: Form): Form {
  const { render } = item;
  const each = (value: unknown, change: (item: unknown, key: string) => unknown): unknown =>
    isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, it]) => [key, change(it, key)])) : value;
  return {
    rename: (value, path, issues) => each(value, (it, key) => item.rename(it, under(path, key), issues)),
    render: render && ((value) => each(value, (it) => (it === null ? it : render(it)))),
    wirePath: ([key, ...rest]) => (key === undefined ? [] : [String(key), ...item.wirePath(rest)]),
  };
}

/** Several shapes: the first that accepts the value. Only unions of plain values are free of that search. */
function unionForm(options: readonly z.ZodType[]): Form {
  const forms = options.map((schema) => ({ schema, form: formOf(schema) }));
  if (forms.every(({ form }) => form.render === undefined)) return keep;
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
    render(value) {
      const fit = forms.find(({ schema }) => z.safeEncode(schema, value as never).success);
      return fit?.form.render ? fit.form.render(value) : value;
    },
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

function readForm(schema: z.ZodType): Form {
  const def = schema.def as unknown as Definition;
  switch (def.type) {
    case 'object':
      return objectForm(def);
    case 'array':
      return listForm(formOf(def.element));
    case 'record':
      return recordForm(formOf(def.valueType));
    case 'union':
      return unionForm(def.options);
    case 'pipe': {
      const encode = def.reverseTransform;
      if (encode) return { ...keep, render: (value) => encode(value, { value, issues: [] }) };
      const input = formOf(def.in);
      return { rename: input.rename, render: formOf(def.out).render, wirePath: input.wirePath };
    }
    case 'lazy':
      return {
        rename: (value, path, issues) => formOf(def.getter()).rename(value, path, issues),
        render: (value) => (formOf(def.getter()).render ?? ((it: unknown) => it))(value),
        wirePath: (path) => formOf(def.getter()).wirePath(path),
      };
    default:
      return def.innerType ? formOf(def.innerType) : keep;
  }
}

/** The wire form of `schema`; made once and kept. */
export function wireOf<S extends z.ZodType>(schema: S): Wire<S> {
  const form = formOf(schema);
  return {
    parse(wireValue) {
      const issues: InputIssue[] = [];
      const checked = schema.safeParse(form.rename(wireValue, '', issues));
      if (checked.success && issues.length === 0) return { ok: true, value: checked.data as z.output<S> };
      for (const { path, message } of checked.error?.issues ?? [])
        issues.push({ path: form.wirePath(path).join('.'), message });
      return { ok: false, issues };
    },
    render: (value) => (form.render ? form.render(value) : value),
  };
}

/** INVALID_INPUT with every fault in it. */
export function invalidInput(issues: InputIssue[]): OperationError {
  return coreErrors.INVALID_INPUT({ count: issues.length }, { issues });
}
