import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';

const freshFile = () => {
  const folder = mkdtempSync(join(tmpdir(), 'dotmac-health-'));
  return Promise.resolve({
    url: `sqlite:${join(folder, 'health.db')}`,
    drop: () => Promise.resolve(rmSync(folder, { recursive: true, force: true })),
  });
};

/** Databases that several processes can be on, whether they are there, and how to make an empty one. */
export const databases = [
  ['SQLite', true, freshFile],
  ['PostgreSQL', available.postgres, freshPostgres],
  ['MariaDB', available.mysql, freshMysql],
] as const;
