import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

/** What users read: the READMEs, and all pages of the documentation. */
export const pages: readonly string[] = [
  'README.md',
  ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`),
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
];

/** A page as it is written. */
export const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

/** A block of code on a page, by the number of its first line. */
export interface Example {
  line: number;
  code: string;
}

/** The blocks of a page that are in one of some languages, in their order. */
export function examplesIn(page: string, ...languages: string[]): Example[] {
  const text = textOf(page);
  const fences = new RegExp(`^\`\`\`(?:${languages.join('|')})\\n(.*?)^\`\`\``, 'gms');
  return [...text.matchAll(fences)].map(({ index, 1: code = '' }) => ({
    line: text.slice(0, index).split('\n').length + 1,
    code,
  }));
}
