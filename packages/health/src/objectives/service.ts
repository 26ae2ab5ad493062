import { newId, type InputIssue } from '@dotmac/core';
import { idPageQuery, invalidInput, pageAfter, readDraft, type Page } from '@dotmac/core/contract';
import type { HealthContext } from '../context.js';
import { faultsOfNamed } from '../endpoints/named.js';
import { healthErrors } from '../errors.js';
import { budgetOf, endpointsOf, reportOn } from './measure.js';
import { recovered } from './tell.js';
import {
  objectiveChanges,
  objectiveInput,
  type Objective,
  type ObjectiveChanges,
  type ObjectiveDraft,
  type ObjectiveRecord,
  type ObjectiveReport,
} from './objective.js';

/** One tenant's service level objectives. */
export interface ObjectiveService {
  /** @throws INVALID_INPUT, OBJECTIVE_LIMIT_REACHED */
  create(draft: ObjectiveDraft): Promise<Objective>;
  /** How it is doing. @throws OBJECTIVE_NOT_FOUND */
  get(objectiveId: string): Promise<ObjectiveReport>;
  /** In the order of their making, without how they are doing. */
  list(ask?: { limit?: number; cursor?: string | undefined }): Promise<Page<Objective>>;
  /** @throws OBJECTIVE_NOT_FOUND, INVALID_INPUT */
  update(objectiveId: string, changes: ObjectiveChanges): Promise<Objective>;
  /** @throws OBJECTIVE_NOT_FOUND */
  remove(objectiveId: string): Promise<{ message: string }>;
}

/** Each is reckoned once a minute. */
const mostObjectives = 100;

/** The objectives of one scope. */
export function objectiveService(context: HealthContext, tenantId: string): ObjectiveService {
  const { store, directory, recorder, clock } = context;
  const { objectives } = store.tenant(tenantId);
  const show = ({ tenantId: _, burn: __, countsMaintenance = false, ...objective }: ObjectiveRecord): Objective => ({
    ...objective,
    countsMaintenance,
  });
  const find = async (objectiveId: string): Promise<ObjectiveRecord> => {
    const found = await objectives.get(objectiveId);
    if (!found) throw healthErrors.OBJECTIVE_NOT_FOUND({ objectiveId });
    return found;
  };
  const check = (objective: ObjectiveRecord, before?: ObjectiveRecord): void => {
    const { endpointId, tag, indicator, threshold } = objective;
    const known = [before?.endpointId ?? []].flat();
    const issues: InputIssue[] = [];
    const miss = (path: string, message: string): void => void issues.push({ path, message });
    if ((endpointId === null) === (tag === null)) miss('endpoint_id', 'Give an endpoint or a tag, and not both');
    else
      issues.push(
        ...faultsOfNamed([endpointId ?? []].flat(), { tenantId, directory, known, path: () => 'endpoint_id' }),
      );
    if ((indicator === 'latency') !== (threshold !== null)) miss('threshold', 'This is for latency, which needs it');
    if (issues.length > 0) throw invalidInput(issues);
  };
  return {
    async create(draft) {
      const now = clock.now();
      const made = { id: newId(), tenantId, alert: 'none' as const, createdAt: now, updatedAt: now };
      const objective = { ...readDraft(objectiveInput, draft), ...made };
      check(objective);
      if (!(await objectives.insertWithin(mostObjectives, objective)))
        throw healthErrors.OBJECTIVE_LIMIT_REACHED({ limit: mostObjectives });
      return show(objective);
    },
    async get(objectiveId) {
      const found = await find(objectiveId);
      await recorder.flush(endpointsOf(context, found).map(({ id }) => id));
      return reportOn(context, found);
    },
    async list({ limit = 50, cursor } = {}) {
      const { items, nextCursor } = await objectives.list({ limit, after: pageAfter(idPageQuery, cursor) });
      return { items: items.map(show), nextCursor };
    },
    async update(objectiveId, draft) {
      const given = Object.entries(readDraft(objectiveChanges, draft)).filter(([, value]) => value !== undefined);
      const changes = Object.fromEntries(given) as Partial<ObjectiveRecord>;
      const changed = await objectives.change(objectiveId, (known) => {
        if (!known) throw healthErrors.OBJECTIVE_NOT_FOUND({ objectiveId });
        check({ ...known, ...changes }, known);
        return { ...known, ...changes, updatedAt: clock.now() };
      });
      return show(changed);
    },
    async remove(objectiveId) {
      const found = await find(objectiveId);
      // Whoever was told that it burns is told that it does not any more.
      const told = found.burn ? [recovered(context, found, (await budgetOf(context, found)).left)] : [];
      await context.change(told, async (trx) => {
        if (!(await objectives.remove(objectiveId, trx))) throw healthErrors.OBJECTIVE_NOT_FOUND({ objectiveId });
      });
      return { message: `Objective ${found.name} was removed.` };
    },
  };
}
