import { coreErrors } from '@dotmac/core';
import { expect, it } from 'vitest';
import { storeFaults } from '../src/store-fault.js';

/** What is logged of such faults one after the other; of `undefined`, that the store was read. */
function toldOf(...met: (Error | undefined)[]): string[] {
  const told: string[] = [];
  const note = (level: string) => (fields: object) =>
    void told.push(`${level}: ${(fields as { error: string }).error}`);
  const logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const faults = storeFaults(logger, 'nothing is seen');
  for (const error of met) {
    if (error) faults.tell(error);
    else faults.over();
  }
  return told;
}

const away = (operation: string): Error => coreErrors.STORE_UNAVAILABLE({ operation, reason: undefined });
const [column, table] = [new Error('no such column: kind'), new Error('no such table: endpoints')];

it('a fault is told once, and again once the store was read', () => {
  expect(toldOf(column, column, undefined, column)).toEqual([
    'error: no such column: kind',
    'error: no such column: kind',
  ]);
});

it('another fault is told as well, also where neither has a code, and where they take turns', () => {
  expect(toldOf(column, table, column, table)).toEqual([
    'error: no such column: kind',
    'error: no such table: endpoints',
  ]);
});

it('that the store is out of reach is told once, whatever it was asked', () => {
  const asked = 'warn: The database did not answer while connecting.';
  expect(toldOf(away('connecting'), away('reading'))).toEqual([asked]);
});

it('faults that are always another are told some times, and not for hours', () => {
  const many = Array.from({ length: 1_000 }, (_, index) => new Error(`row ${index} is broken`));
  expect(toldOf(...many)).toHaveLength(20);
});
