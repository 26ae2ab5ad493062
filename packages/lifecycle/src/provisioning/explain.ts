import { isOperationError } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { callingOff, type CancelCase } from './calling-off.js';
import { checkCancellable } from './cancellable.js';
import { runCommands, type RunCommandExplanation } from './explanation.js';
import { mustBeStuck } from './intervene.js';
import { byHand, pointOfNoReturn } from './way-back.js';

/** Says of every command on a run whether it may be given now. */
export function explainRun(context: LifecycleContext, known: CancelCase): RunCommandExplanation[] {
  return runCommands.map((command) => {
    try {
      if (command === 'cancel') checkCancellable(known.run);
      else mustBeStuck(known.run);
      return {
        command,
        allowed: true,
        code: null,
        reason: null,
        ...(command === 'cancel' ? cancelOf(context, known) : noCancel),
      };
    } catch (error) {
      if (!isOperationError(error)) throw error;
      return { command, allowed: false, code: error.code, reason: error.message, ...noCancel };
    }
  });
}

type CancelExplained = Pick<RunCommandExplanation, 'untilStep' | 'comesTo'>;

const noCancel: CancelExplained = { untilStep: null, comesTo: null };

function cancelOf(context: LifecycleContext, known: CancelCase): CancelExplained {
  const { lifts, spares, opens, keeps } = callingOff(context, known);
  return {
    untilStep: pointOfNoReturn(context, known.run) ?? null,
    comesTo: {
      lifts: [...lifts],
      spares: [...spares],
      opens,
      keeps,
      byHand: byHand(context, known.run),
    },
  };
}
