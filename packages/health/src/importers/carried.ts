import { issueMessage } from '@dotmac/core/contract';
import { defaultBounds, endpointSchemas, type EndpointDraft } from '../endpoints/endpoint.js';
import type { AnyProbe } from '../probes/probe.js';
import { probeRegistry } from '../probes/registry.js';

/** What was left behind of another product's configuration, and why. */
export interface LeftBehind {
  /** The endpoint's name there. */
  name: string;
  /** The field there; null when the whole endpoint was left behind. */
  field: string | null;
  reason: string;
}

/** Another product's endpoints as ours. */
export interface Carried {
  /** For `endpoints.registerMany`, or a line each for the import. Secrets are in the open: keep them nowhere. */
  endpoints: EndpointDraft[];
  leftBehind: LeftBehind[];
}

/** How endpoints are carried over. */
export interface CarryOptions {
  /** The bounds of `check_interval` that the host application set, in seconds. Default 5 to 3,600. */
  checkIntervals?: { min: number; max: number };
  /** The host's own probes, as `createHealth` has them: what is checked by those of `@dotmac/probes-isp` needs them. */
  probes?: readonly AnyProbe[];
}

/** An endpoint cannot be carried over at all. */
export class CannotCarry extends Error {}

/** Says that a field stays behind. */
export type Leave = (field: string, reason: string) => void;

/** What every endpoint needs; the rest has defaults. */
export type Draft = Omit<EndpointDraft, 'name'>;

/** Carries over one endpoint after another: one that fails stays behind whole, with its reason. */
export function carrying({ checkIntervals = defaultBounds.checkIntervals, probes = [] }: CarryOptions) {
  const registry = probeRegistry(probes);
  const serviceTypes = Object.fromEntries(
    [...registry].map(([serviceType, { addressing }]) => [serviceType, addressing]),
  );
  const { input } = endpointSchemas({ serviceTypes, checkIntervals });
  const carried: Carried = { endpoints: [], leftBehind: [] };
  const leaveWhole = (name: string, reason: string): void =>
    void carried.leftBehind.push({ name, field: null, reason });
  return {
    carried,
    leaveWhole,
    /** Whether there is such a probe. */
    knows: (serviceType: string): boolean => registry.has(serviceType),
    carry(name: string, convert: (leave: Leave) => Draft): void {
      const fields: LeftBehind[] = [];
      const leave: Leave = (field, reason) => void fields.push({ name, field, reason });
      try {
        const draft = withinBounds({ ...convert(leave), name }, checkIntervals, leave);
        const faults = [
          ...(input.safeParse(draft).error?.issues ?? []),
          ...(registry.get(draft.serviceType ?? '')?.config.safeParse(draft.config ?? {}).error?.issues ?? []),
        ];
        if (faults.length > 0)
          return leaveWhole(name, faults.map((it) => `${it.path.join('.')}: ${issueMessage(it)}`).join('; '));
        carried.endpoints.push(draft);
        carried.leftBehind.push(...fields);
      } catch (error) {
        if (!(error instanceof CannotCarry)) throw error;
        leaveWhole(name, error.message);
      }
    },
  };
}

function withinBounds(draft: EndpointDraft, { min, max }: { min: number; max: number }, leave: Leave): EndpointDraft {
  const { checkInterval = 60, timeout = 10 } = draft;
  const fitting = Math.min(max, Math.max(min, checkInterval));
  if (fitting !== checkInterval) leave('interval', `${checkInterval} s became ${fitting} s, which is the bound here`);
  const seconds = Math.min(60, Math.max(1, timeout));
  if (seconds !== timeout) leave('timeout', `${timeout} s became ${seconds} s, which is the bound here`);
  // Elsewhere an answer is good however long it takes, unless a condition says otherwise.
  const expectedResponseTime = draft.expectedResponseTime ?? Math.min(30, seconds);
  return { ...draft, checkInterval: fitting, timeout: seconds, expectedResponseTime };
}

/** Text as a tag; undefined when nothing is left of it. */
export function tagOf(text: string): string | undefined {
  const plain = text
    .trim()
    .replace(/[^A-Za-z0-9._:/-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64);
  return plain === '' ? undefined : plain;
}

/** A host and a port from `host:port` or a URL without a path. */
export function addressOf(text: string, defaultPort?: number): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:/]+))(?::(\d{1,5}))?\/?$/.exec(text.trim());
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port === undefined) throw new CannotCarry(`${text} is no host with a port`);
  return { host, port };
}
