import type { StoreTransaction } from '@dotmac/core';
import {
  isUniqueViolation,
  toFlag,
  toJson,
  writeTogether,
  type Database,
  type KyselyOutbox,
  type Write,
} from '@dotmac/core/kysely';
import type { Customer } from '../../customers/customer.js';
import { lifecycleErrors } from '../../errors.js';
import type { SearchTerm } from '../../search/terms.js';
import { nameKey } from '../name-key.js';
import type { CustomerChange } from '../store.js';
import { entryRow } from './event-row.js';
import { checkpointRow, runRow } from './run-row.js';
import { serviceRow } from './service-tables.js';
import { customerRow } from './customer-row.js';
import type { CustomerRow } from './tables.js';

/** How those parts of a customer are written that commands change. */
const columns: { [Part in keyof Customer]?: (customer: Customer) => Partial<CustomerRow> } = {
  version: ({ version }) => ({ version }),
  stage: ({ stage }) => ({ stage }),
  churningFrom: ({ churningFrom }) => ({ churning_from: churningFrom }),
  approval: ({ approval }) => ({ approval }),
  email: ({ email }) => ({ email, email_key: nameKey(email) }),
  firstName: ({ firstName }) => ({ first_name: firstName }),
  lastName: ({ lastName }) => ({ last_name: lastName }),
  userType: ({ userType }) => ({ user_type: userType }),
  phone: ({ phone }) => ({ phone }),
  marketingConsent: ({ marketingConsent }) => ({ marketing_consent: toFlag(marketingConsent) }),
  blocks: ({ blocks }) => ({ blocks: toJson(blocks) }),
  attributes: ({ attributes }) => ({ attributes: toJson(attributes) }),
  onboardingData: ({ onboardingData }) => ({ onboarding_data: toJson(onboardingData) }),
  emailVerifiedAt: ({ emailVerifiedAt }) => ({ email_verified_at: emailVerifiedAt }),
  phoneVerifiedAt: ({ phoneVerifiedAt }) => ({ phone_verified_at: phoneVerifiedAt }),
  updatedAt: ({ updatedAt }) => ({ updated_at: updatedAt }),
};

/** What differs; a column that stays as it is costs its indexes nothing. */
function changedColumns(before: Customer, after: Customer): Partial<CustomerRow> {
  const changed: Partial<CustomerRow> = {};
  for (const part of Object.keys(after) as (keyof Customer)[]) {
    if (before[part] === after[part]) continue;
    const column = columns[part];
    if (!column) {
      const { tenant_id: _, id: __, ...all } = customerRow(after);
      return all;
    }
    Object.assign(changed, column(after));
  }
  return changed;
}

/** Writes a change of a customer with what follows from it. */
export async function writeChange(
  database: Database,
  outbox: KyselyOutbox,
  tenantId: string,
  { before, after, history, outbox: entries, requested, ended, terms }: CustomerChange,
  trx?: StoreTransaction,
): Promise<boolean> {
  const then: Write[] = outbox.write(entries);
  const rows = history.map((entry) => entryRow(tenantId, after.id, entry));
  if (rows.length > 0) then.push({ insert: 'dotmac_customer_events', rows: rows.map((row) => ({ ...row })) });
  if (requested) {
    then.push({ insert: 'dotmac_services', rows: [{ ...serviceRow(requested.service), tenant_id: tenantId }] });
    then.push({ insert: 'dotmac_service_runs', rows: [{ ...runRow(tenantId, requested.run) }] });
  }
  if (terms) {
    const rowOf = (term: SearchTerm) => {
      return { ...term, tenant_id: tenantId, customer_id: after.id, created_at: after.createdAt };
    };
    for (const term of terms.remove) then.push({ delete: 'dotmac_customer_terms', where: rowOf(term) });
    // Another process, which looks for other attributes, may have left one there.
    if (terms.add.length > 0)
      then.push({ insert: 'dotmac_customer_terms', rows: terms.add.map(rowOf), skipExisting: true });
  }
  const run = ended && { tenant_id: tenantId, id: ended.runId, fence: ended.fence };
  if (run) {
    const { tenant_id: _, id, ...service } = serviceRow(ended.service);
    then.push({ update: 'dotmac_services', set: service, where: { tenant_id: tenantId, id } });
    then.push({ update: 'dotmac_service_runs', set: checkpointRow(ended.state), where: run });
  }
  const guard = {
    update: 'dotmac_customers',
    set: { ...changedColumns(before, after) },
    where: { tenant_id: tenantId, id: after.id, version: before.version },
  };
  const holding = run && { table: 'dotmac_service_runs', where: run };
  try {
    if (!(await writeTogether(database, { holding, guard, then }, trx))) return false;
  } catch (error) {
    // Of what is unique, a change gives a customer one at a time that others may have.
    const field = before.externalId === after.externalId ? 'email' : 'external_id';
    if (isUniqueViolation(error) && (field === 'external_id' || before.email !== after.email))
      throw lifecycleErrors.CUSTOMER_EXISTS({ field });
    throw error;
  }
  if (entries.length > 0) outbox.written(trx);
  return true;
}
