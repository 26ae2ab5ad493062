import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const readmes = ['README.md', ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`)];
const maintenancePages = [
  ...['advise-on-a-database', 'back-up-databases', 'clean-a-cache', 'clean-a-table', 'preview-a-cleanup'],
  ...['report-on-maintenance', 'rotate-logs', 'schedule-maintenance', 'update-packages', 'watch-a-machine'],
].map((name) => `docs/${name}.md`);

/** What an example takes for granted: the packages' own names, and what the host's application has. */
const host = `
import type { Redis } from 'ioredis';
import type { LRUCache } from 'lru-cache';
import type { Pool } from 'pg';
import type * as kysely from '@dotmac/core/kysely';
import type * as dotmac from '@dotmac/maintenance';
import type * as operations from '@dotmac/operations';
declare global {
  const createMaintenance: typeof dotmac.createMaintenance;
  const defineMaintenanceTask: typeof dotmac.defineMaintenanceTask;
  const retentionPolicy: typeof dotmac.retentionPolicy;
  const [digestByEmail, digestByWebhook]: [typeof dotmac.digestByEmail, typeof dotmac.digestByWebhook];
  const [eventLoopDelay, poolWait]: [typeof dotmac.eventLoopDelay, typeof dotmac.poolWait];
  const [replicaLag, lockWaits]: [typeof dotmac.replicaLag, typeof dotmac.lockWaits];
  const activeSessions: typeof dotmac.activeSessions;
  const createOperations: typeof operations.createOperations;
  const { statfs }: typeof import('node:fs/promises');
  const { z }: typeof import('zod');
  const nodemailer: typeof import('nodemailer');
  const [database, primary]: [kysely.Database, kysely.Database];
  const store: dotmac.MaintenanceStore;
  const maintenance: dotmac.MaintenanceModule;
  const [redis, pool, lru]: [Redis, Pool, LRUCache<string, object>];
  interface AppTables { sessions: { id: number; created_at: number; state: 'open' | 'ended' } }
  const smtpUrl: string;
  const p95: () => number;
  const chat: { post(text: string, options: { signal: AbortSignal }): Promise<void> };
  const pager: { trigger(text: string, options: { signal: AbortSignal }): Promise<void> };
}`;

/** The examples of a page, by the line of each. Each is a module of its own. */
const examplesOf = (page: string): [file: string, text: string][] => {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/```ts\n(.*?)```/gs)].map(({ index, 1: code = '' }) => {
    // As many lines as come before it: faults are told by the page's own.
    const above = text.slice(0, index).split('\n').length;
    const name = page.replaceAll(/\W+/g, '-');
    return [join(root, 'test', `${name}-${above}.ts`), `${'\n'.repeat(above)}${code}\nexport {};`];
  });
};

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

  it('of the READMEs and of the pages on maintenance compile', () => {
    const examples = [...readmes, ...maintenancePages].flatMap(examplesOf);
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
