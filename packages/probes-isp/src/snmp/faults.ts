import type { OutcomeCode } from '@dotmac/health';

/** What is wrong with an answer, for programs and for people. */
export interface Fault {
  code: OutcomeCode;
  message: string;
}

/** What agents say that is wrong with a question, by number (RFC 3416, 3). */
const errorNames: Readonly<Record<number, string>> = {
  1: 'tooBig',
  2: 'noSuchName',
  3: 'badValue',
  4: 'readOnly',
  5: 'genErr',
  6: 'noAccess',
  13: 'resourceUnavailable',
  16: 'authorizationError',
};

/** What an answer's error status says. */
export function errorFault(status: number): Fault {
  return { code: 'service_refused', message: `The agent answered ${errorNames[status] ?? `error ${status}`}` };
}

/** Under which the user-based security model counts what it refuses (RFC 3414, 5). */
const counters = '1.3.6.1.6.3.15.1.1';
/** Asked at another time than it is at the agent. */
export const notInTimeWindows = `${counters}.2.0`;
/** Asked as another engine than the agent's. */
const unknownEngineIds = `${counters}.4.0`;

const reports: Readonly<Record<string, string>> = {
  [`${counters}.1.0`]: 'The agent does not take this security level for the user',
  [notInTimeWindows]: 'The agent says that it is another time there',
  [`${counters}.3.0`]: 'The agent does not know the user',
  [unknownEngineIds]: 'The agent does not know its own engine',
  [`${counters}.5.0`]: 'The agent refused the digest: its key or protocol of authentication is another',
  [`${counters}.6.0`]: 'The agent could not decrypt: its key or protocol of privacy is another',
  '1.3.6.1.6.3.12.1.5.0': 'The agent does not know the context',
};

/** What a report says. */
export function reportFault(oid: string | undefined): Fault {
  const known = oid !== undefined && Object.hasOwn(reports, oid) ? reports[oid] : undefined;
  return { code: 'service_refused', message: known ?? 'The agent refused to answer' };
}
