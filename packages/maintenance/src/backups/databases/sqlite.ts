import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, open, readdir, stat, unlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Worker } from 'node:worker_threads';
import { coreErrors, type Clock } from '@dotmac/core';
import { errorCode } from '../../files/system.js';
import { bytesOf, writeAll } from '../bytes.js';
import { BackupError } from '../program.js';
import {
  BrokenDump,
  UnfitTarget,
  type BackupSource,
  type Content,
  type SourceContext,
  type TableCount,
} from '../source.js';

/**
 * What is done off the main thread: SQLite's calls block theirs, and a look through a whole database takes long.
 * The copy is made inside a read transaction of the same connection, so that it has just those rows that were counted, whatever
 * others write meanwhile. Plain text, because the driver must be found from here and a bundle has one file.
 */
const workerSource = `
const { parentPort, workerData } = require('node:worker_threads');
const Sqlite = require(workerData.driver);
const quoted = (name) => '"' + name.replaceAll('"', '""') + '"';
const tablesOf = (db) => db
  .prepare("select name from pragma_table_list where schema = 'main' and type in ('table', 'shadow') and name not like 'sqlite~_%' escape '~' order by name")
  .pluck().all()
  .map((name) => ({ name, rows: workerData.countRows ? db.prepare('select count(*) from ' + quoted(name)).pluck().get() : null }));
const copy = async () => {
  const db = new Sqlite(workerData.file, { readonly: true, fileMustExist: true, timeout: 5000 });
  db.exec('begin');
  db.prepare('select count(*) from sqlite_schema').get();
  const tables = tablesOf(db);
  await db.backup(workerData.target, { progress: () => 1000 });
  db.close();
  return { tables, version: new Sqlite(':memory:').prepare('select sqlite_version()').pluck().get() };
};
const check = async () => {
  const db = new Sqlite(workerData.file, { fileMustExist: true });
  const [{ integrity_check: verdict }] = db.pragma('integrity_check(1)');
  const tables = verdict === 'ok' ? tablesOf(db) : [];
  db.close();
  return { verdict, tables };
};
(workerData.work === 'copy' ? copy() : check()).then(
  (result) => parentPort.postMessage({ result }),
  ({ code, message }) => parentPort.postMessage({ failure: { code, message } }),
);
`;

interface WorkerAnswer<Result> {
  result?: Result;
  failure?: { code?: string; message: string };
}

/** SQLite's own words for a file that is no whole database. */
const damaged = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB']);

function inWorker<Result>(workerData: Record<string, unknown>, signal: AbortSignal): Promise<Result> {
  let driver: string;
  try {
    driver = createRequire(import.meta.url).resolve('better-sqlite3');
  } catch (error) {
    throw coreErrors.DRIVER_MISSING({ packageName: 'better-sqlite3', purpose: 'backups of SQLite' }, { cause: error });
  }
  signal.throwIfAborted();
  const worker = new Worker(workerSource, { eval: true, workerData: { ...workerData, driver } });
  return new Promise<Result>((fulfil, reject) => {
    const settle = (settled: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      settled();
      void worker.terminate();
    };
    const onAbort = (): void => settle(() => reject(signal.reason as Error));
    signal.addEventListener('abort', onAbort, { once: true });
    worker.once('message', ({ result, failure }: WorkerAnswer<Result>) =>
      settle(() => (failure ? reject(errorOf(failure)) : fulfil(result as Result))),
    );
    worker.once('error', (error: NodeJS.ErrnoException) =>
      settle(() => reject(errorOf({ message: error.message, ...(error.code !== undefined && { code: error.code }) }))),
    );
    worker.once('exit', () => settle(() => reject(new BackupError('program_failed'))));
  });
}

function errorOf({ code = '', message }: { code?: string; message: string }): Error {
  if (damaged.has(code)) return new BrokenDump('The database is damaged.');
  const cause = new Error(message);
  if (code === 'SQLITE_FULL' || code.startsWith('SQLITE_IOERR_WRITE')) return new BackupError('disk_full', { cause });
  if (code === 'SQLITE_CANTOPEN') return new BackupError('no_such_database', { cause });
  return new BackupError('program_failed', { cause });
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR, O_RDONLY } = constants;
const newFile = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;

async function fill(path: string, content: Content, signal: AbortSignal): Promise<void> {
  const file = await open(path, newFile, 0o600);
  try {
    await pipeline(content, (it) => writeAll(file, it), { signal });
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What SQLite puts beside a file, too. */
const sideFiles = ['', '-wal', '-shm', '-journal'];
const removeFile = async (path: string): Promise<void> => {
  for (const side of sideFiles) await unlink(path + side).catch(() => undefined);
};

/** A SQLite file, copied page by page while others use it. */
export function sqliteSource(file: string, { countRows }: { countRows: boolean }): BackupSource {
  return {
    kind: 'sqlite',
    extension: 'sqlite',
    async estimate() {
      return (await stat(file).catch(() => null))?.size ?? 0;
    },
    async dump({ signal, scratchFile }, write) {
      // Made by us before SQLite opens it: no link, and nobody else may read it.
      await open(scratchFile, newFile, 0o600).then((made) => made.close());
      try {
        const work = { work: 'copy', file, target: scratchFile, countRows };
        const { tables, version } = await inWorker<{ tables: TableCount[]; version: string }>(work, signal);
        const copy = await open(scratchFile, O_RDONLY | O_NOFOLLOW);
        await write(bytesOf(copy)).finally(() => copy.close());
        return { tables, tool: `SQLite ${version}` };
      } finally {
        await removeFile(scratchFile);
      }
    },
    async rehearse({ signal, scratchFile }, content) {
      try {
        await fill(scratchFile, content, signal);
        const work = { work: 'check', file: scratchFile, countRows };
        const { verdict, tables } = await inWorker<{ verdict: string; tables: TableCount[] }>(work, signal);
        if (verdict !== 'ok') throw new BrokenDump('The integrity check failed.');
        return tables;
      } finally {
        await removeFile(scratchFile);
      }
    },
    restore: (context, content, into) => restoreFile(into, content, context),
    sweep: () => Promise.resolve(0),
  };
}

const dayMs = 86_400_000;

/** Removes what restorations into that file left which were killed: one that is at work writes on. */
async function removePartial(path: string, clock: Clock): Promise<void> {
  const [directory, begin] = [dirname(path), `${basename(path)}.`];
  for (const name of await readdir(directory).catch(() => [])) {
    if (!name.startsWith(begin) || !/^[0-9a-f]{8}\.partial$/.test(name.slice(begin.length))) continue;
    const partial = join(directory, name);
    const found = await lstat(partial).catch(() => null);
    if (found?.isFile() && found.mtimeMs < clock.now() - dayMs) await unlink(partial).catch(() => undefined);
  }
}

/** Never over a file that is there: a database that is in use would be torn. */
async function restoreFile(url: string, content: Content, { clock, signal }: SourceContext): Promise<void> {
  const path = sqlitePath(url);
  if (path === null) throw new UnfitTarget('a SQLite backup is restored to a file: sqlite:/path/to.db');
  const taken = (): Error => new UnfitTarget('there is a file of that name already');
  for (const side of sideFiles) if (await lstat(path + side).catch(() => null)) throw taken();
  await removePartial(path, clock);
  // Of its own: another restoration may be at work into the same file.
  const partial = `${path}.${randomBytes(4).toString('hex')}.partial`;
  try {
    await fill(partial, content, signal);
    await link(partial, path).catch((error: unknown) => {
      throw errorCode(error) === 'EEXIST' ? taken() : error;
    });
  } finally {
    await unlink(partial).catch(() => undefined);
  }
  const directory = await open(dirname(path), O_RDONLY);
  await directory.sync().finally(() => directory.close());
}

/** The file of a `sqlite:` URL; null when it is none, or in memory. */
export function sqlitePath(url: string): string | null {
  const path = /^(?:sqlite|file):(?:\/\/)?([^?#]+)$/.exec(url)?.[1];
  return path === undefined || path === ':memory:' ? null : resolve(path);
}
