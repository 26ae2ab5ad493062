import { expect, it } from 'vitest';
import { newId } from '../src/ids.js';

it('makes UUIDs of version 7, each after the one before it', () => {
  const made = Array.from({ length: 5_000 }, newId);
  for (const id of made) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(made).size).toBe(made.length);
  expect([...made].sort()).toEqual(made);
  const madeAt = parseInt((made[0] ?? '').replace('-', '').slice(0, 12), 16);
  expect(Math.abs(madeAt - Date.now())).toBeLessThan(60_000);
});
