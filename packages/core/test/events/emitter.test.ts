import { expect, it } from 'vitest';
import { z } from 'zod';
import { instant } from '../../src/contract/formats.js';
import { createEmitter } from '../../src/events/emitter.js';
import { defineEvents } from '../../src/events/define-events.js';

const table = defineEvents('test', { 'thing.made': z.object({ size: z.int() }), 'thing.lost': z.object({}) });
const of = { tenantId: 'acme', actor: 'system', subject: 't1', at: 1 };

it('hands events to their listeners, and what a listener throws harms nobody', async () => {
  const failed: string[] = [];
  const emitter = createEmitter<typeof table.schemas>({ onFailure: (name) => failed.push(name) });
  const seen: number[] = [];
  emitter.on('thing.made', () => {
    throw new Error('sync');
  });
  emitter.on('thing.made', () => Promise.reject(new Error('async')));
  const off = emitter.on('thing.made', ({ data }) => void seen.push(data.size));
  const all: string[] = [];
  emitter.onAny(({ name }) => void all.push(name));
  emitter.emit(table.create('thing.made', { ...of, data: { size: 3 } }));
  emitter.emit(table.create('thing.lost', { ...of, data: {} }));
  off();
  emitter.emit(table.create('thing.made', { ...of, data: { size: 4 } }));
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual([3]);
  expect(all).toEqual(['thing.made', 'thing.lost', 'thing.made']);
  expect([emitter.failures, failed.length]).toEqual([4, 4]);
  off();
  expect(emitter.listening).toBe(3);
});

it('stores what a codec encodes, and reads it back as it was', () => {
  const timed = defineEvents('test', { 'thing.due': z.object({ dueAt: instant }) });
  const due = timed.create('thing.due', { ...of, data: { dueAt: Date.UTC(2026, 0, 1) } });
  const stored = JSON.parse(JSON.stringify(timed.encode(due))) as never;
  expect(stored).toMatchObject({ data: { dueAt: '2026-01-01T00:00:00.000Z' } });
  expect(timed.parse(stored)).toEqual(due);
  expect(() => timed.encode({ ...due, data: { dueAt: 'soon' as never } })).toThrow();
});

it('parses stored events and gives up those that it does not understand', () => {
  const made = table.create('thing.made', { ...of, data: { size: 3 } });
  expect(table.parse(made)).toEqual(made);
  expect(table.parse({ ...made, data: { size: 'big' } })).toBeUndefined();
  expect(table.parse({ ...made, name: 'thing.forgotten' } as never)).toBeUndefined();
  expect(table.parse({ ...made, name: 'toString' } as never)).toBeUndefined();
});
