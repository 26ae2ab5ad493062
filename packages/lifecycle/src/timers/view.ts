import { fieldsBy, id, instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { commandInput, type CommandInput } from '../commands/input.js';
import { ownInputs } from '../commands/own-inputs.js';
import { ownCommands, timedCommands, type Timer } from './timer.js';

/** What a timer is called. */
export const timerName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$/, 'Letters, digits, "_", ".", ":" and "-", at most 100')
  .meta({ description: 'Setting a timer of the same name again moves it', examples: ['trial-end'] });

/** What setting a timer takes. */
export const timerInput = z
  .object({
    name: timerName,
    command: z
      .enum(timedCommands)
      .meta({ description: 'Judged when its time has come: what is not legal then is not done' }),
    input: fieldsBy(commandInput.default({}), 'command', ownInputs),
    dueAt: instant,
  })
  .meta({ id: 'LifecycleTimerInput' });

/** @see timerInput */
export type TimerDraft = Omit<z.input<typeof timerInput>, 'dueAt' | 'input'> & { dueAt: number; input?: CommandInput };

/** A timer, as it is shown. */
export const timerView = z
  .object({
    id,
    name: z.string(),
    command: z.enum([...timedCommands, ...ownCommands]),
    input: commandInput,
    dueAt: instant,
    postponed: z
      .string()
      .nullable()
      .meta({ description: 'Why it was put off when it was due: the code of the refusal', examples: ['LEGAL_HOLD'] }),
    setBy: z.string(),
    setAt: instant,
  })
  .meta({ id: 'LifecycleTimer' });

/** @see timerView */
export type TimerView = z.output<typeof timerView>;

/** A timer as it is shown: what its own kind needs to know is left out. */
export function viewOfTimer({ id: timerId, name, command, input: given, dueAt, setBy, setAt }: Timer): TimerView {
  const { policy: _, journey: __, step: ___, isUnasked: ____, taken: _____, attempts: ______, ...known } = given;
  const { service: _______, promised: ________, setOut: _________, ...rest } = known;
  const { postponed = null, ...input } = rest;
  return { id: timerId, name, command, input, dueAt, postponed, setBy, setAt };
}
