import { readDraft } from '@dotmac/core/contract';
import type { HealthContext } from '../context.js';
import { requireFaultless } from './check-endpoint.js';
import type { EndpointChanges, EndpointRecord } from './endpoint.js';
import { asksTheSame } from './asks-the-same.js';
import { registrantOf, type RegisteringOptions } from './registrant.js';
import { keepsSecrets, sealSecrets } from './secrets.js';

/** When it was changed tells changes apart: another process may have made the last one within this millisecond. */
const updatedAt = (before: EndpointRecord, now: number): number => Math.max(now, before.updatedAt + 1);

/** An endpoint with what was changed of it. @throws INVALID_INPUT */
export function changed(
  before: EndpointRecord,
  { secrets: given = {}, ...changes }: EndpointChanges,
  options: RegisteringOptions | undefined,
  context: HealthContext,
): EndpointRecord {
  const { schemas, clock, sealer } = context;
  const defined = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const { id, pausedAt, createdAt, registeredBy: by, ...settings } = before;
  const { tenantId, secrets: _, updatedAt: __, ...asked } = settings;
  // Whole again, it has to fit as a new one would.
  const { secrets: ___, paused: ____, ...input } = readDraft(schemas.input, { ...asked, ...defined });
  // What a secret says is sent as well: whoever gives one says a part of what is asked.
  const isAskedTheSame = asksTheSame(before, input) && Object.keys(given).length === 0;
  const registeredBy = isAskedTheSame && !options?.asHost ? by : registrantOf(options);
  const at = updatedAt(before, clock.now());
  const bare = { ...input, id, tenantId, registeredBy, pausedAt, createdAt, updatedAt: at };
  const isKept = keepsSecrets(before, bare);
  const set = Object.entries(given).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
  const kept = Object.entries(isKept ? before.secrets : {}).filter(([name]) => !Object.hasOwn(given, name));
  requireFaultless({ ...bare, secrets: Object.fromEntries([...kept, ...set]) }, context, before);
  const secrets = { ...Object.fromEntries(kept), ...sealSecrets(sealer, bare, Object.fromEntries(set)) };
  return { ...bare, secrets };
}

/** An endpoint that is paused, or is not any more; itself when it was so before. */
export function pausedOrNot(before: EndpointRecord, isPaused: boolean, now: number): EndpointRecord {
  if ((before.pausedAt !== null) === isPaused) return before;
  return { ...before, pausedAt: isPaused ? now : null, updatedAt: updatedAt(before, now) };
}
