import { inWords } from '@dotmac/core/contract';
import {
  defaultBounds,
  endpointSchemas,
  type EndpointBounds,
  type EndpointDraft,
  type EndpointSchemas,
} from '../endpoints/endpoint.js';
import type { AnyProbe } from '../probes/probe.js';
import { addressingsOf, probeRegistry, type ProbeRegistry } from '../probes/registry.js';

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

/** What became of one endpoint of another product's configuration. */
export interface CarriedOne {
  /** Where it stands there: `endpoints.3`. */
  path: string;
  name: string;
  /** As one of ours, secrets in the open; null when it stays behind whole. */
  draft: EndpointDraft | null;
  leftBehind: Omit<LeftBehind, 'name'>[];
}

/** How endpoints are carried over. */
export interface CarryOptions {
  /** The bounds of `check_interval` that the host application set, in seconds. Default 5 to 3,600. */
  checkIntervals?: { min: number; max: number };
  /** The host's own probes, as `createHealth` has them: what is checked by those of `@dotmac/probes-isp` needs them. */
  probes?: readonly AnyProbe[];
}

/** What endpoints are to fit. */
export interface CarryRules {
  probes: ProbeRegistry;
  checkIntervals: EndpointBounds['checkIntervals'];
  input: EndpointSchemas['input'];
}

/** The rules of who calls an importer by itself. */
export function rulesOf({ checkIntervals = defaultBounds.checkIntervals, probes: own }: CarryOptions): CarryRules {
  const probes = probeRegistry(own);
  const { input } = endpointSchemas({ serviceTypes: addressingsOf(probes), checkIntervals });
  return { probes, checkIntervals, input };
}

/** Drafts and what stayed behind, each in one list. */
export function listed(all: Iterable<CarriedOne>): Carried {
  const carried: Carried = { endpoints: [], leftBehind: [] };
  for (const { name, draft, leftBehind } of all) {
    if (draft) carried.endpoints.push(draft);
    carried.leftBehind.push(...leftBehind.map((it) => ({ name, ...it })));
  }
  return carried;
}

/** An endpoint cannot be carried over at all. */
export class CannotCarry extends Error {}

/** Says that a field stays behind. */
export type Leave = (field: string, reason: string) => void;

/** What every endpoint needs; the rest has defaults. */
export type Draft = Omit<EndpointDraft, 'name'>;

/** Where an endpoint stands in another product's configuration, and what it is called there. */
export type Place = Pick<CarriedOne, 'path' | 'name'>;

/** Where one of a list stands; an endpoint without a name is called by that. */
export function placeOf(given: unknown, list: string, key: string | number): Place {
  const { name } = (given ?? {}) as { name?: unknown };
  return { path: `${list}.${key}`, name: typeof name === 'string' ? name : `${list}[${key}]` };
}

/** One that stays behind whole. */
export function leftWhole(place: Place, reason: string): CarriedOne {
  return { ...place, draft: null, leftBehind: [{ field: null, reason }] };
}

/** Carries over one endpoint; one that fails stays behind whole, with its reason. */
export function carry(place: Place, rules: CarryRules, convert: (leave: Leave) => Draft): CarriedOne {
  const leftBehind: CarriedOne['leftBehind'] = [];
  const leave: Leave = (field, reason) => void leftBehind.push({ field, reason });
  try {
    const draft = withinBounds({ ...convert(leave), name: place.name }, rules.checkIntervals, leave);
    const faults = [
      ...(rules.input.safeParse(draft, inWords).error?.issues ?? []),
      ...(rules.probes.get(draft.serviceType)?.config.safeParse(draft.config ?? {}, inWords).error?.issues ?? []),
    ];
    if (faults.length === 0) return { ...place, draft, leftBehind };
    return leftWhole(place, faults.map((it) => `${it.path.join('.')}: ${it.message}`).join('; '));
  } catch (error) {
    if (!(error instanceof CannotCarry)) throw error;
    return leftWhole(place, error.message);
  }
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

/** A host and a port from `host:port` or a URL without a path. @throws CannotCarry, without a word of it: it may hold a login */
export function addressOf(text: string, defaultPort?: number): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:/]+))(?::(\d{1,5}))?\/?$/.exec(text.trim());
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port === undefined) throw new CannotCarry('Its address is no host with a port');
  return { host, port };
}
