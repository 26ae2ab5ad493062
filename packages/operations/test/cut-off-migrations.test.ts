import { databaseFromUrl, fromKysely } from '@dotmac/core/kysely';
import { kyselyHealthStore } from '@dotmac/health';
import { kyselyMaintenanceStore } from '@dotmac/maintenance';
import { expect, it, onTestFinished } from 'vitest';
import { cutOff, untilDone } from '../../../test/support/cut-off.js';
import { available, freshMysql } from '../../../test/support/services.js';

it.skipIf(!available.mysql).each([
  ['health', kyselyHealthStore],
  ['maintenance', kyselyMaintenanceStore],
])(
  'the tables of %s are finished, after whichever statement of a migration MariaDB was cut off',
  async (_, storeOn) => {
    const { url, drop } = await freshMysql();
    const database = databaseFromUrl(url, { poolSize: 1 });
    onTestFinished(() => database.close().then(drop));
    const cut = cutOff(database.kysely);
    await untilDone(() => storeOn(fromKysely(cut.kysely, 'mysql')).migrate());
    expect(cut.times).toBeGreaterThan(30);
    await storeOn(database).migrate();
  },
);
