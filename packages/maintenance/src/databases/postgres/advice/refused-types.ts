import { sql, type RawBuilder } from 'kysely';
import { among } from './scope.js';

/** `family`, for a `with recursive`: those tables, by `root`, with all that inherits from each, partitions too, by `member`. */
export const families = (oids: readonly string[]): RawBuilder<unknown> => sql`
  family as (
    select f.oid as root, f.oid as member from pg_catalog.pg_class f where f.oid = ${among(oids)}
    union
    select f.root, h.inhrelid from family f join pg_catalog.pg_inherits h on h.inhparent = f.member)`;

/**
 * Whether PostgreSQL refuses the column `a` of the table `t` another type. It does where the column is inherited, from another parent too;
 * where its table, or one that inherits it, is divided by it, is made of a type, or is one itself; and where something was read
 * that wants the type as it is: a view or rule, a trigger, a policy, a function with a body in SQL, a publication, a generated column.
 */
export const isTypeRefused: RawBuilder<boolean> = sql`exists (
  select 1 from family f
  join pg_catalog.pg_class r on r.oid = f.member
  join pg_catalog.pg_attribute m on m.attrelid = f.member and m.attname = a.attname
  where f.root = t.oid and (
    m.attinhcount > case when f.member = f.root then 0 else 1 end
    or r.reloftype <> 0
    or exists (
      select 1 from pg_catalog.pg_partitioned_table p where p.partrelid = f.member and m.attnum = any(p.partattrs::int2[]))
    or exists (
      -- In an expression: then it depends on its table, and not the other way round.
      select 1 from pg_catalog.pg_depend k where k.classid = 'pg_catalog.pg_class'::regclass and k.objid = f.member
        and k.objsubid = m.attnum and k.refclassid = k.classid and k.refobjid = f.member and k.refobjsubid = 0)
    or exists (
      select 1 from pg_catalog.pg_type y join pg_catalog.pg_depend k
        on k.refclassid = 'pg_catalog.pg_type'::regclass and k.refobjid in (y.oid, y.typarray)
      where y.oid = r.reltype and k.classid = 'pg_catalog.pg_class'::regclass and k.objsubid <> 0)
    or exists (
      select 1 from pg_catalog.pg_depend k
      left join pg_catalog.pg_attrdef g on k.classid = 'pg_catalog.pg_attrdef'::regclass and g.oid = k.objid
      where k.refclassid = 'pg_catalog.pg_class'::regclass and k.refobjid = f.member and k.refobjsubid = m.attnum
        and (k.classid in (
            'pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_trigger'::regclass, 'pg_catalog.pg_policy'::regclass,
            'pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_publication_rel'::regclass)
          or g.adnum <> m.attnum))))`.$castTo<boolean>();
