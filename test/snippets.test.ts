import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { examplesIn, pages, root } from './support/documentation.js';
import { host, hostOf } from './support/snippet-host.js';

/** The examples of a page, by the line of each. Each is a module of its own. */
const examplesOf = (page: string): [file: string, text: string][] =>
  examplesIn(page, 'ts').map(({ line, code }) => {
    // As many lines as come before it: faults are told by the page's own.
    const above = line - 1;
    const name = page.replaceAll(/\W+/g, '-');
    const granted = (hostOf[page] ?? '').replaceAll('\n', ' ');
    return [join(root, 'test', `${name}-${above}.ts`), `${granted}${'\n'.repeat(above)}${code}\nexport {};`];
  });

const options: ts.CompilerOptions = {
  ...{ strict: true, noEmit: true, skipLibCheck: true, types: ['node'], customConditions: ['@dotmac/source'] },
  ...{ target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, esModuleInterop: true },
  moduleResolution: ts.ModuleResolutionKind.Bundler,
};

/** What the compiler says against files that are not on the disk, by their names. */
function faultsOf(files: ReadonlyMap<string, string>): string[] {
  const system = ts.createCompilerHost(options);
  const { getSourceFile, readFile, fileExists } = system;
  system.readFile = (name) => files.get(name) ?? readFile(name);
  system.fileExists = (name) => files.has(name) || fileExists(name);
  system.getSourceFile = (name, ...more) => {
    const text = files.get(name);
    return text === undefined ? getSourceFile(name, ...more) : ts.createSourceFile(name, text, ts.ScriptTarget.ES2023);
  };
  const program = ts.createProgram([...files.keys()], options, system);
  return [...files.keys()].flatMap((name) => {
    const file = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      ({ messageText, start = 0 }) => {
        const line = (file?.getLineAndCharacterOfPosition(start).line ?? 0) + 1;
        return `${name.slice(root.length + 1)} line ${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
      },
    );
  });
}

// The sources of all packages are read for it.
describe('the examples in TypeScript', { timeout: 240_000 }, () => {
  const declared: [string, string] = [join(root, 'test', 'host.d.ts'), host];

  it('of the READMEs and of all pages of the documentation compile', () => {
    const examples = pages.flatMap(examplesOf);
    expect(examples.length).toBeGreaterThan(20);
    expect(faultsOf(new Map([declared, ...examples]))).toEqual([]);
  });

  it('are found out when they say what there is not', () => {
    const wrong: [string, string] = [join(root, 'test', 'wrong.ts'), 'createMaintenance({ store, retentoin: [] });'];
    expect(faultsOf(new Map([declared, wrong]))).toEqual([
      expect.stringMatching(/^test\/wrong\.ts line 1: .*retentoin/),
    ]);
  });
});
