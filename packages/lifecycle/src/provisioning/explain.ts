import { isOperationError } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { checkCancellable, pointOfNoReturn, type CancelCase } from './cancellable.js';
import { runCommands, type RunCommandExplanation } from './explanation.js';
import { mustBeStuck } from './intervene.js';

/** Says of every command on a run whether it may be given now. */
export function explainRun(context: LifecycleContext, known: CancelCase): RunCommandExplanation[] {
  return runCommands.map((command) => {
    try {
      if (command === 'cancel') checkCancellable(context, known);
      else mustBeStuck(known.run);
      const untilStep = command === 'cancel' ? (pointOfNoReturn(context, known.run)?.key ?? null) : null;
      return { command, allowed: true, code: null, reason: null, untilStep };
    } catch (error) {
      if (!isOperationError(error)) throw error;
      return { command, allowed: false, code: error.code, reason: error.message, untilStep: null };
    }
  });
}
