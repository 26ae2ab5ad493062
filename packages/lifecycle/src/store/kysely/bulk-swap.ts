import { sql } from 'kysely';
import type { StoreTransaction } from '@dotmac/core';
import { executorFor, jsonOf, toJson, type Database } from '@dotmac/core/kysely';
import type { BulkChange } from '../store.js';
import { arrayText } from './among.js';
import { entryRow } from './history.js';

/** Given a transaction, writes customers and their events: the ids of those who are not as they were before. */
export type Swap = (trx: StoreTransaction) => Promise<string[]>;

/**
 * Prepares to write rows and events of many customers on PostgreSQL: one statement, which locks each row once. What is
 * said of many is sent once; of each customer there are four values, in arrays, which cost the database a fraction of what
 * JSON does. Index: the primary key.
 */
export function swapAtOnce(database: Database, tenantId: string, changes: readonly BulkChange[]): Swap {
  const sets: object[] = [];
  const numbers = new Map<string, number>();
  const numberOf = ({ after, event }: BulkChange): number => {
    const {
      id: _,
      customer_id: __,
      tenant_id: ___,
      seq: ____,
      sealed: _____,
      ...said
    } = entryRow(tenantId, after.id, {
      seq: after.version,
      event,
    });
    const { stage, churningFrom, approval, updatedAt } = after;
    const row = { stage, churning_from: churningFrom, approval, updated_at: updatedAt };
    const set = { ...row, blocks: toJson([...after.blocks]), ...said };
    // None but the last of them can have a line break.
    const { actor, ...others } = set;
    const key = [...Object.values(others), actor].join('\n');
    let number = numbers.get(key);
    if (number === undefined) {
      number = sets.length;
      numbers.set(key, number);
      sets.push({ number, ...set });
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
      returning c.id, c.version, g.event_id, g.number
    ), told as (
      insert into dotmac_customer_events (tenant_id, customer_id, seq, id, name, entered_stage, actor, at, data)
      select ${tenantId}, w.id, w.version, w.event_id, s.name, s.entered_stage, s.actor, s.at, s.data
      from swapped w join sets s on s.number = w.number
    )
    select g.id from given g where not exists (select from swapped w where w.id = g.id)`;
  return async (trx) => {
    const { rows } = await statement.execute(executorFor(database, trx));
    return rows.map(({ id }) => id);
  };
}
