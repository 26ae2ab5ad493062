import { sql, type RawBuilder } from 'kysely';
import type { StoreTransaction } from '@dotmac/core';
import { executorFor, jsonOf, toJson, type Database } from '@dotmac/core/kysely';
import { enteredBy } from '../../customers/entered-stage.js';
import type { BulkChange } from '../store.js';
import { arrayText } from './among.js';

/** Given a transaction, writes customers, their events and terms: the ids of those who are not as they were before. */
export type Swap = (trx: StoreTransaction) => Promise<string[]>;

/**
 * Prepares to write rows, events and terms of many customers on PostgreSQL: one statement, which locks each row once. What
 * is said of many is sent once; of each customer there are four values, in arrays, which cost the database a fraction of
 * what JSON does. Index: the primary keys.
 */
export function swapAtOnce(database: Database, tenantId: string, changes: readonly BulkChange[]): Swap {
  const sets: object[] = [];
  const terms: { add: object[]; remove: object[] } = { add: [], remove: [] };
  const numbers = new Map<string, number>();
  const numberOf = ({ after, event, terms: { add, remove } }: BulkChange): number => {
    const { stage, churningFrom, approval, updatedAt } = after;
    const { name, actor, at } = event;
    const [blocks, data] = [toJson(after.blocks), JSON.stringify(event.data)];
    const found = add.length + remove.length > 0 ? toJson([add, remove]) : '';
    // All that is said with a number. None but the last of them can have a line break.
    const said = `${stage}\n${churningFrom ?? ''}\n${approval}\n${updatedAt}\n${name}\n${at}`;
    const key = `${said}\n${blocks}\n${data}\n${found}\n${actor}`;
    let number = numbers.get(key);
    if (number === undefined) {
      number = sets.length;
      numbers.set(key, number);
      const row = { stage, churning_from: churningFrom, approval, blocks, updated_at: updatedAt };
      sets.push({ number, ...row, name, entered_stage: enteredBy(event), actor, at, data });
      for (const term of add) terms.add.push({ number, ...term });
      for (const term of remove) terms.remove.push({ number, ...term });
    }
    return number;
  };
  const ids = arrayText(changes.map(({ before }) => before.id));
  const versions = arrayText(changes.map(({ before }) => before.version));
  const events = arrayText(changes.map(({ event }) => event.id));
  const places = arrayText(changes.map(numberOf));
  // Each is looked up by its key, whatever is known of the table: a join would have all of a tenant's customers read for
  // each batch until they are counted for the first time.
  const statement = sql<{ id: string }>`
    with given as materialized (
      select * from unnest(cast(${ids} as text[]), cast(${versions} as integer[]), cast(${events} as text[]),
        cast(${places} as integer[])) as g(id, version, event_id, number)
    ), sets as materialized (
      select * from json_to_recordset(cast(${jsonOf(sets)} as json)) as s(number integer, stage text, churning_from text,
        approval text, blocks text, updated_at bigint, name text, entered_stage text, actor text, at bigint, data text)
    ), swapped as (
      update dotmac_customers c
      set stage = s.stage, churning_from = s.churning_from, approval = s.approval, blocks = s.blocks,
        updated_at = s.updated_at, version = c.version + 1
      from given g join sets s on s.number = g.number
      cross join lateral (
        select ctid from dotmac_customers where tenant_id = ${tenantId} and id = g.id and version = g.version limit 1
      ) as found
      where c.ctid = found.ctid
      returning c.id, c.version, c.created_at, g.event_id, g.number
    ), told as (
      insert into dotmac_customer_events (tenant_id, customer_id, seq, id, name, entered_stage, actor, at, data)
      select ${tenantId}, w.id, w.version, w.event_id, s.name, s.entered_stage, s.actor, s.at, s.data
      from swapped w join sets s on s.number = w.number
    )${terms.add.length > 0 ? addTerms(tenantId, terms.add) : sql``}
    ${terms.remove.length > 0 ? removeTerms(tenantId, terms.remove) : sql``}
    select g.id from given g where not exists (select from swapped w where w.id = g.id)`;
  return async (trx) => {
    const { rows } = await statement.execute(executorFor(database, trx));
    return rows.map(({ id }) => id);
  };
}

const termsOf = (terms: readonly object[]) =>
  sql`json_to_recordset(cast(${jsonOf(terms)} as json)) as t(number integer, kind text, term text)`;

function addTerms(tenantId: string, terms: readonly object[]): RawBuilder<unknown> {
  return sql`, added as (
      insert into dotmac_customer_terms (tenant_id, kind, term, created_at, customer_id)
      select ${tenantId}, t.kind, t.term, w.created_at, w.id
      from swapped w join ${termsOf(terms)} on t.number = w.number
      on conflict do nothing
    )`;
}

function removeTerms(tenantId: string, terms: readonly object[]): RawBuilder<unknown> {
  return sql`, removed as (
      delete from dotmac_customer_terms d
      using swapped w join ${termsOf(terms)} on t.number = w.number
      cross join lateral (
        select ctid from dotmac_customer_terms where tenant_id = ${tenantId} and kind = t.kind and term = t.term
          and created_at = w.created_at and customer_id = w.id limit 1
      ) as found
      where d.ctid = found.ctid
    )`;
}
