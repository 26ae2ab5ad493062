import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { ScopeIdentity } from '@dotmac/core';
import { inWords, invalidInput, readDraft } from '@dotmac/core/contract';
import { refusalOf } from '@dotmac/core/http';
import type { z } from 'zod';
import type { HealthContext } from '../context.js';
import { registration } from '../endpoints/register.js';
import { registrantOf, type RegisteringOptions } from '../endpoints/registrant.js';
import type { CarriedOne } from './carried.js';
import { gatusConfiguration, uptimeKumaBackup } from './export.js';
import { eachOfGatus } from './gatus.js';
import type { ImportedMonitor, ImportReport } from './report.js';
import { eachOfUptimeKuma } from './uptime-kuma.js';

/** How an export is taken over. */
export interface ImportOptions extends RegisteringOptions {
  /** Say what would become of each, and keep nothing. Default false. */
  dryRun?: boolean;
}

/** Registers what other products export. What can be registered is so in one transaction; the rest is told with its reason. */
export interface ImporterService {
  /**
   * The endpoints of a Gatus configuration, as a YAML parser reads it; at most 1,000.
   * @throws INVALID_INPUT when it is none; nothing is registered then
   */
  gatus(config: unknown, options?: ImportOptions): Promise<ImportReport>;
  /**
   * The monitors of an Uptime Kuma backup, parsed; at most 1,000.
   * @throws INVALID_INPUT when it is none; nothing is registered then
   */
  uptimeKuma(backup: unknown, options?: ImportOptions): Promise<ImportReport>;
}

/** After so many, whatever else there is to do has its turn. */
const together = 50;

/** The importers of one scope. */
export function importerService(context: HealthContext, identity: ScopeIdentity): ImporterService {
  const { probes, checkIntervals, schemas } = context;
  const rules = { probes, checkIntervals, input: schemas.input };
  const register = registration(context, identity);
  const take = async (
    carried: Iterable<CarriedOne>,
    { dryRun = false, ...options }: ImportOptions = {},
  ): Promise<ImportReport> => {
    const all: CarriedOne[] = [];
    for (const one of carried) if (all.push(one) % together === 0) await endOfTurn();
    const drafts = all.flatMap(({ draft }) => draft ?? []);
    const results = (await register.many(drafts, registrantOf(options), dryRun ? { kept: 0 } : undefined)).values();
    const monitors = all.map(({ draft, ...one }): ImportedMonitor => {
      const about = { ...one, id: null, code: null, errors: [], draft: null, secretNames: [] };
      if (!draft) return { ...about, status: 'left_behind' };
      const result = results.next().value ?? { error: undefined };
      if ('error' in result) return { ...about, status: 'refused', ...refusalOf(result.error) };
      const { secrets, ...shown } = readDraft(schemas.input, draft);
      const said = { ...about, secretNames: Object.keys(secrets).sort() };
      return dryRun ? { ...said, status: 'valid', draft: shown } : { ...said, status: 'created', id: result.id };
    });
    const countOf = (status: ImportedMonitor['status']) => monitors.filter((it) => it.status === status).length;
    const [created, valid, refused] = [countOf('created'), countOf('valid'), countOf('refused')];
    return { counts: { created, valid, refused, leftBehind: countOf('left_behind') }, monitors };
  };

  return {
    gatus: async (config, options) => take(eachOfGatus(exportOf(gatusConfiguration, config), rules), options),
    uptimeKuma: async (backup, options) => take(eachOfUptimeKuma(exportOf(uptimeKumaBackup, backup), rules), options),
  };
}

/** An export, held to its schema. @throws INVALID_INPUT, with paths as the export has them */
function exportOf<Schema extends z.ZodType>(schema: Schema, given: unknown): z.output<Schema> {
  const { data, error } = schema.safeParse(given, inWords);
  if (!error) return data;
  throw invalidInput(error.issues.map((it) => ({ path: it.path.join('.'), message: it.message })));
}
