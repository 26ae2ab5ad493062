import type { StoreTransaction } from '@dotmac/core';
import type { Customer } from '../../customers/customer.js';
import type { Run, RunStep } from '../run.js';
import type { ServiceTemplate } from '../template.js';

/** A step to be run or undone. */
export interface StepWork<Definition> {
  run: Run;
  step: RunStep;
  definition: Definition;
  template: ServiceTemplate;
  customer: Customer;
  /**
   * Writes the checkpoint before the handler is called: from then on the step may have had its effect, and the attempt
   * counts, whatever becomes of the process. Answers the step
   * as it was written.
   */
  begin: (step: RunStep) => Promise<RunStep>;
  /** Writes what a step does in a transaction, and the checkpoint that says so, in one commit. */
  within: (work: (trx: StoreTransaction) => Promise<RunStep>) => Promise<RunStep>;
}

/** What the checkpoint after a step says. */
export interface StepResult {
  step: RunStep;
  direction: Run['direction'];
  /** Wait as long before the next move. */
  retryInMs?: number;
  /** Of a step that waits, or has waited in vain: how many had spoken to it when it was looked at. Default nobody. */
  heard?: number;
}
