import { z } from 'zod';
import {
  freeForm,
  id,
  instant,
  message,
  openRouteFor,
  routeFor,
  streamRouteFor,
  type LineResult,
} from '../contract/index.js';
import { defineErrors } from '../errors/define-errors.js';
import { newId } from '../ids.js';
import type { Module } from '../module.js';

/** The errors of {@link notesModule}. */
const notesErrors = defineErrors({
  NOTE_NOT_FOUND: { kind: 'not_found', message: ({ noteId }: { noteId: string }) => `There is no note ${noteId}.` },
  NOTE_SEALED: { kind: 'conflict', message: (_: Record<never, never>) => 'The note is sealed.' },
});

const note = z
  .object({ id, tenantId: z.string(), noteText: z.string(), labels: freeForm, createdAt: instant })
  .meta({ id: 'Note' });
const noteInput = z.object({ noteText: z.string().min(1).max(2_000_000), labels: freeForm.default({}) });

type Note = z.output<typeof note>;

/** The scope of {@link notesModule}. */
export interface NotesScope {
  add(input: z.output<typeof noteInput>): Note;
  get(noteId: string): Note;
  list(limit: number): { items: Note[]; nextCursor: null };
  remove(noteId: string): { message: string };
  explode(): never;
  /** Resolves when the caller's signal aborts. */
  hang(signal: AbortSignal): Promise<{ message: string }>;
  take(
    lines: AsyncIterable<LineResult<{ noteText: string }>>,
  ): AsyncIterable<{ lineNumber: number; noteId: string | null; faults: string[] }>;
  tick(after: number): AsyncIterable<{ id: string; event: string; padText: string }>;
}

/** What {@link notesModule} has for anybody. */
interface OpenNotes {
  read(noteId: string): string;
}

/** The smallest module with every feature of the contract: what the adapter suite serves. */
export interface NotesModule extends Module<NotesScope> {
  /** How often the work behind `POST /notes` was done. */
  readonly added: number;
  /** How far `GET /ticks` has come. */
  readonly ticks: number;
  /** Calls `listener` when a hanging request has started, and again when its client went away. */
  onHang(listener: (what: 'started' | 'aborted') => void): void;
}

const route = routeFor<NotesScope>();
const streamRoute = streamRouteFor<NotesScope>();
const openRoute = openRouteFor<NotesScope, OpenNotes>();
const [tag, params] = ['Notes', z.object({ id })];

const routes = [
  route({
    name: 'addNote',
    method: 'POST',
    path: '/notes',
    tag,
    summary: 'Add a note',
    permission: 'health:write',
    body: noteInput,
    output: note,
    status: 201,
    location: ({ id: noteId }) => `/notes/${noteId}`,
    idempotent: true,
    deferred: {
      output: message,
      location: () => '/notes/later',
      run: async () => ({ message: 'Accepted' }),
    },
    run: (notes, { body }) => notes.add(body),
  }),
  route({
    name: 'listNotes',
    method: 'GET',
    path: '/notes',
    tag,
    summary: 'All notes',
    permission: 'health:read',
    query: z.object({ maxItems: z.coerce.number().int().min(1).max(100).default(10) }),
    output: z.object({ items: z.array(note), nextCursor: z.string().nullable() }),
    run: (notes, { query }) => notes.list(query.maxItems),
  }),
  route({
    name: 'getNote',
    method: 'GET',
    path: '/notes/{id}',
    tag,
    summary: 'One note',
    permission: 'health:read',
    params,
    output: note,
    errors: [notesErrors.NOTE_NOT_FOUND],
    run: (notes, { params: { id: noteId } }) => notes.get(noteId),
  }),
  route({
    name: 'removeNote',
    method: 'DELETE',
    path: '/notes/{id}',
    tag,
    summary: 'Remove a note',
    permission: 'health:write',
    params,
    output: message,
    errors: [notesErrors.NOTE_NOT_FOUND, notesErrors.NOTE_SEALED],
    run: (notes, { params: { id: noteId } }) => notes.remove(noteId),
  }),
  route({
    name: 'explode',
    method: 'POST',
    path: '/explode',
    tag,
    summary: 'Fails in a way that nobody expected',
    permission: 'health:write',
    output: message,
    run: (notes) => notes.explode(),
  }),
  route({
    name: 'hang',
    method: 'GET',
    path: '/hang',
    tag,
    summary: 'Answers when the client has gone',
    permission: 'health:read',
    output: message,
    run: (notes, { signal }) => notes.hang(signal),
  }),
  streamRoute({
    name: 'importNotes',
    method: 'POST',
    path: '/notes/import',
    tag,
    summary: 'Take notes, a line each, and answer each',
    permission: 'health:write',
    stream: 'lines',
    lines: z.object({ noteText: z.string().min(1) }),
    output: z.object({ lineNumber: z.int(), noteId: z.string().nullable(), faults: z.array(z.string()) }),
    errors: [notesErrors.NOTE_SEALED],
    run: (notes, { lines }) => notes.take(lines),
  }),
  streamRoute({
    name: 'tick',
    method: 'GET',
    path: '/ticks',
    tag,
    summary: 'Ticks until nobody listens',
    permission: 'health:read',
    stream: 'events',
    output: z.object({ id: z.string(), event: z.string(), padText: z.string() }),
    run: (notes, { lastEventId }) => notes.tick(Number(lastEventId ?? 0)),
  }),
  openRoute({
    name: 'readOpenNote',
    method: 'GET',
    path: '/open/{id}',
    tag,
    summary: 'A note, for whoever knows its id',
    params,
    text: 'text/plain',
    cacheSeconds: 30,
    headers: { 'x-content-type-options': 'nosniff' },
    output: z.string(),
    errors: [notesErrors.NOTE_NOT_FOUND],
    run: (open, { params: { id: noteId } }) => open.read(noteId),
  }),
];

/** Makes a fresh {@link NotesModule}. A note whose text is `sealed` cannot be removed, one that is `long` is answered at length. */
export function notesModule(): NotesModule {
  const notes = new Map<string, Note>();
  const listeners: ((what: 'started' | 'aborted') => void)[] = [];
  let added = 0;
  let ticks = 0;
  const own = (tenantId: string, noteId: string): Note => {
    const found = notes.get(noteId);
    if (found?.tenantId !== tenantId) throw notesErrors.NOTE_NOT_FOUND({ noteId });
    return found;
  };
  return {
    name: 'notes',
    routes,
    get added() {
      return added;
    },
    onHang: (listener) => void listeners.push(listener),
    start: async () => undefined,
    stop: async () => undefined,
    open: {
      read(noteId: string) {
        const found = notes.get(noteId);
        if (!found) throw notesErrors.NOTE_NOT_FOUND({ noteId });
        return found.noteText;
      },
    } satisfies OpenNotes,
    get ticks() {
      return ticks;
    },
    readiness: () => ({ ready: notes.size < 1_000, parts: { notes: 'ok' } }),
    scope: ({ tenantId }) => ({
      add({ noteText, labels }) {
        const made = { id: newId(), tenantId, noteText, labels, createdAt: 1_767_225_600_000 };
        notes.set(made.id, made);
        added++;
        return made;
      },
      get: (noteId) => own(tenantId, noteId),
      list: (limit) => ({
        items: [...notes.values()].filter((it) => it.tenantId === tenantId).slice(0, limit),
        nextCursor: null,
      }),
      remove(noteId) {
        if (own(tenantId, noteId).noteText === 'sealed') throw notesErrors.NOTE_SEALED({});
        notes.delete(noteId);
        return { message: 'Removed' };
      },
      explode() {
        throw new TypeError('password=hunter2 at /etc/secret');
      },
      async *take(lines) {
        for await (const it of lines) {
          if (!it.ok) {
            yield {
              lineNumber: it.line,
              noteId: null,
              faults: it.issues.map(({ path, message: fault }) => `${path}: ${fault}`),
            };
            continue;
          }
          if (it.value.noteText === 'sealed') throw notesErrors.NOTE_SEALED({});
          const { id: noteId } = this.add({ noteText: it.value.noteText, labels: {} });
          yield { lineNumber: it.line, noteId, faults: it.value.noteText === 'long' ? ['x'.repeat(1_200)] : [] };
        }
      },
      async *tick(after) {
        try {
          for (let count = after + 1; ; count++) {
            ticks = count;
            yield { id: String(count), event: 'tick', padText: 'x'.repeat(10_000) };
            await new Promise((resolve) => setImmediate(resolve));
          }
        } finally {
          for (const listener of listeners) listener('aborted');
        }
      },
      hang: (signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            for (const listener of listeners) listener('aborted');
            resolve({ message: 'gone' });
          });
          for (const listener of listeners) listener('started');
        }),
    }),
  };
}
