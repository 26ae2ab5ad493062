import { sql } from 'kysely';
import { beforeAll, expect, it } from 'vitest';
import { databaseFromUrl } from '../../src/kysely/index.js';
import { makeCertificates, type Certificates } from '../net/certificates.js';
import { mysqlShowing } from '../net/mysql-greeting.js';
import { postgresShowing } from '../net/postgres-showing.js';

let certificates: Certificates;
beforeAll(() => void (certificates = makeCertificates()));

const servers = { postgres: postgresShowing, mysql: mysqlShowing };
const faults = [
  ['has expired', 'expired', 'The certificate is expired or not valid yet.'],
  ['is of another name', 'other', 'The certificate is not trusted, or is for another name.'],
  ['was signed by nobody who is trusted', 'good', 'The certificate is not trusted, or is for another name.'],
  ['is not there', null, 'TLS could not be agreed on.'],
] as const;

it.each(
  Object.entries(servers).flatMap(([scheme, showing]) => faults.map((fault) => [scheme, showing, ...fault] as const)),
)(
  'a server of %s that is asked for TLS, and whose certificate %2$s, is unavailable: %4$s',
  async (scheme, showing, _, which, reason) => {
    const { port, close } = await showing(which && certificates[which]);
    const trusted = which === 'good' ? {} : { ca: certificates.ca };
    const ssl = { ...trusted, verifyIdentity: true };
    const database = databaseFromUrl(`${scheme}://someone:hunter2@localhost:${port}/app`, { ssl });
    const asked = sql`select 1`.execute(database.kysely);
    await expect(asked).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: `There was no secure connection to the database while connecting. ${reason}`,
    });
    await database.close();
    await close();
  },
);
