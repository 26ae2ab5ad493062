import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { everything } from './cases.mjs';

const root = join(import.meta.dirname, '..', '..');
const pages = ['README.md', ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`)];
const example = (page) => /```ts\n(.*?)```/s.exec(readFileSync(join(root, page), 'utf8'))?.[1] ?? '';
const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
const programOf = (page) => `${page.replaceAll(/\W+/g, '-')}.mjs`;

/** The first example of every README does what it says, as it stands. */
export const readmeCases = [
  {
    name: 'the examples of the READMEs',
    application: {
      packages: everything,
      peers: ['better-sqlite3', 'express', 'fastify', 'zod'],
      files: Object.fromEntries(
        pages.map((page) => [programOf(page), ts.transpileModule(example(page), { compilerOptions }).outputText]),
      ),
    },
    async check({ cwd, ends }) {
      for (const page of pages) {
        assert.ok(example(page).length > 100, `${page} has no example`);
        // Those that serve go on until they are told to stop.
        const { code, signal, errors } = await ends(cwd, programOf(page), 4_000);
        assert.ok(code === 0 || signal === 'SIGTERM', `${page}: exit ${code}\n${errors}`);
        assert.equal(errors, '', page);
      }
    },
  },
];
