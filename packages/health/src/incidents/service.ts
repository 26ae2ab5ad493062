import { newId, type ScopeIdentity } from '@dotmac/core';
import { idPageQuery, pageAfter, readDraft, type Page } from '@dotmac/core/contract';
import type { HealthContext } from '../context.js';
import { healthErrors } from '../errors.js';
import { suppressorOf } from '../dependencies/suppression.js';
import { healthEvents } from '../events.js';
import {
  incidentNote,
  incidentRemark,
  shownIncident,
  type Incident,
  type IncidentFilter,
  type IncidentRecord,
  type IncidentStory,
} from './incident.js';
import { withoutIncident } from '../monitoring/directory.js';
import { toldOf } from './tell.js';

/** What somebody says to an incident. */
export interface RemarkDraft {
  text?: string | undefined;
}

/** The incidents of one tenant's endpoints. */
export interface IncidentService {
  /** The newest first. */
  list(ask?: { limit?: number; cursor?: string | undefined } & Partial<IncidentFilter>): Promise<Page<Incident>>;
  /** @throws INCIDENT_NOT_FOUND */
  get(incidentId: string): Promise<IncidentStory>;
  /** Says that somebody looks after it; doing so again changes nothing. @throws INCIDENT_NOT_FOUND, INCIDENT_RESOLVED */
  acknowledge(incidentId: string, remark?: RemarkDraft): Promise<IncidentStory>;
  /** @throws INCIDENT_NOT_FOUND */
  comment(incidentId: string, note: { text: string }): Promise<IncidentStory>;
  /**
   * Ends an incident by hand, whatever its endpoint is; another begins when the endpoint's status changes again.
   * @throws INCIDENT_NOT_FOUND, INCIDENT_RESOLVED
   */
  resolve(incidentId: string, remark?: RemarkDraft): Promise<IncidentStory>;
}

/** The incidents of one scope. */
export function incidentService(context: HealthContext, { tenantId, actor }: ScopeIdentity): IncidentService {
  const { store, directory, recorder, clock } = context;
  const incidents = store.tenant(tenantId);
  const find = async (incidentId: string): Promise<IncidentRecord> => {
    // What was found out a moment ago may not be stored yet.
    await recorder.showChanges();
    const found = await incidents.incident(incidentId);
    if (!found) throw healthErrors.INCIDENT_NOT_FOUND({ incidentId });
    return found;
  };
  const show = (record: IncidentRecord): Incident =>
    shownIncident(record, suppressorOf(record.endpointId, (id) => directory.get(id), clock.now()) ?? null);
  const story = async (incidentId: string): Promise<IncidentStory> => {
    const incident = show(await find(incidentId));
    const { entries, leftOut } = await incidents.timeline(incidentId);
    return { ...incident, timeline: entries, timelineLeftOut: leftOut };
  };
  const note = async (
    record: IncidentRecord,
    kind: 'acknowledged' | 'commented' | 'resolved',
    text: string,
    change: Partial<Pick<IncidentRecord, 'acknowledgedAt' | 'acknowledgedBy' | 'resolvedAt'>>,
  ): Promise<IncidentStory> => {
    const at = clock.now();
    const { id: incidentId, endpointId } = record;
    const kept = directory.get(endpointId);
    const data = { ...toldOf({ ...record, ...change }, kept), code: null, text };
    const event = healthEvents.create(`incident.${kind}`, { tenantId, actor, subject: endpointId, at, data });
    await context.change([event], async (trx) => {
      // Whoever monitors next goes on from what is stored.
      if (change.resolvedAt !== undefined)
        await incidents.restate(endpointId, (known) => withoutIncident(known, incidentId), trx);
      const isOpen = await incidents.noteIncident(
        incidentId,
        { id: newId(), at, kind, actor, code: null, text },
        change,
        trx,
      );
      if (!isOpen) throw healthErrors.INCIDENT_RESOLVED({ incidentId });
    });
    return story(incidentId);
  };

  return {
    async list({ limit = 50, cursor, ...filter } = {}) {
      await recorder.showChanges();
      const { items, nextCursor } = await incidents.incidents({ limit, after: pageAfter(idPageQuery, cursor), filter });
      return { items: items.map(show), nextCursor };
    },
    get: story,
    async acknowledge(incidentId, remark = {}) {
      const { text = '' } = readDraft(incidentRemark, remark);
      const record = await find(incidentId);
      if (record.acknowledgedAt !== null && record.resolvedAt === null) return story(incidentId);
      return note(record, 'acknowledged', text, { acknowledgedAt: clock.now(), acknowledgedBy: actor });
    },
    async comment(incidentId, draft) {
      const { text } = readDraft(incidentNote, draft);
      return note(await find(incidentId), 'commented', text, {});
    },
    async resolve(incidentId, remark = {}) {
      const { text = '' } = readDraft(incidentRemark, remark);
      const record = await find(incidentId);
      const resolvedAt = Math.max(clock.now(), record.startedAt);
      const told = await note(record, 'resolved', text, { resolvedAt });
      const kept = directory.get(record.endpointId);
      if (kept?.incident?.id === incidentId) kept.incident = null;
      recorder.touch(record.endpointId);
      return told;
    },
  };
}
