import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

it('`npm run test:long` runs every test that has a long form, and names none that has not', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const words = (scripts['test:long'] ?? '').split(' ');
  const projects = words.filter((_, index) => words[index - 1] === '--project');
  const filters = words.slice(words.lastIndexOf('--project') + 2);

  const listed = execFileSync('git', ['ls-files', 'packages', 'examples'], { cwd: root, encoding: 'utf8' });
  const files = new Map(
    listed
      .split('\n')
      .filter((path) => /\/test\/.*\.ts$/.test(path))
      .map((path) => [path, read(path)]),
  );
  const importing = (name: string): string[] =>
    [...files].flatMap(([path, text]) => (text.includes(`/${name}.js';`) ? [path] : []));
  // A test is long by itself, or by what it shares with others.
  const long = importing('length').flatMap((path) =>
    path.endsWith('.test.ts') ? [path] : importing(basename(path, '.ts')).filter((it) => it.endsWith('.test.ts')),
  );
  expect(long.length).toBeGreaterThan(5);
  const isRun = (path: string): boolean => {
    const [, project = '', ...within] = path.split('/');
    return projects.includes(project) && filters.some((filter) => within.join('/').includes(filter));
  };
  expect(long.filter((path) => !isRun(path))).toEqual([]);
  expect(filters.filter((filter) => !long.some((path) => path.includes(filter)))).toEqual([]);
  expect(projects.filter((name) => !long.some((path) => path.split('/')[1] === name))).toEqual([]);
});
