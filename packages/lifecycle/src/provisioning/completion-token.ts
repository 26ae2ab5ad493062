import type { LifecycleContext } from '../context.js';
import type { Run, RunStep } from './run.js';

/** What a completion token names. */
export interface CompletionTarget {
  tenantId: string;
  runId: string;
  stepKey: string;
  /** Which of its rounds: what was ordered before an operator had it tried anew does not end it. */
  round: number;
}

/**
 * What a step may be completed with from outside: the step, signed (HMAC-SHA256 under the host's secret). Nothing is
 * kept of it; a run that is over does not listen any more.
 */
export function completionTokenOf(
  { keyring }: Pick<LifecycleContext, 'keyring'>,
  run: Run,
  { key, round = 0 }: RunStep,
): string {
  const target = Buffer.from(JSON.stringify([run.tenantId, run.id, key, ...(round > 0 ? [round] : [])])).toString(
    'base64url',
  );
  return `${target}.${keyring.sign(target)}`;
}

/** What a token names; undefined when it was not signed here. */
export function readCompletionToken(
  { keyring }: Pick<LifecycleContext, 'keyring'>,
  token: string,
): CompletionTarget | undefined {
  const [target = '', signature = ''] = token.split('.');
  if (!keyring.isSigned(target, signature)) return undefined;
  const [tenantId, runId, stepKey, round = 0] = JSON.parse(Buffer.from(target, 'base64url').toString()) as [
    string,
    string,
    string,
    number?,
  ];
  return { tenantId, runId, stepKey, round };
}
