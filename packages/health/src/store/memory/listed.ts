import type { BucketDelta } from '../../history/pending-buckets.js';
import { shownIncident, type IncidentFilter, type IncidentRecord } from '../../incidents/incident.js';
import type { BucketSpan, EndpointListing } from '../store.js';
import type { StoredEndpoint } from '../stored-endpoint.js';

/** What a bucket is kept as. */
export type KeptBucket = Pick<BucketDelta, 'endpointId' | 'resolution' | 'bucket'> & { inMaintenance: boolean };

/** Whether a list of endpoints has this one. */
export function passes({ endpoint, state }: StoredEndpoint, filter: EndpointListing['filter'] = {}): boolean {
  const { status, serviceType, tag, paused } = filter;
  return (
    (status === undefined || (state?.status ?? 'unknown') === status) &&
    (serviceType === undefined || endpoint.serviceType === serviceType) &&
    (tag === undefined || endpoint.tags.includes(tag)) &&
    (paused === undefined || (endpoint.pausedAt !== null) === paused)
  );
}

/** Whether a list of incidents has this one. */
export function isAsked(record: IncidentRecord, { status, endpointId }: Partial<IncidentFilter>): boolean {
  if (endpointId !== undefined && record.endpointId !== endpointId) return false;
  const { status: is } = shownIncident(record);
  return status === undefined || status === is || (status === 'unresolved' && is !== 'resolved');
}

/** Whether a bucket is one of a span. */
export function isWithin(
  { resolution, inMaintenance, bucket: { start } }: KeptBucket,
  { resolution: asked, inMaintenance: isAsked = false, from, until }: BucketSpan,
): boolean {
  return resolution === asked && inMaintenance === isAsked && start >= from && start < until;
}
