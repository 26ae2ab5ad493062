import { readDraft } from '@dotmac/core/contract';
import { checkInput, underInput } from '../commands/check-input.js';
import type { NamedCommand } from '../commands/dispatch.js';
import type { CommandInput } from '../commands/input.js';
import type { LifecycleContext } from '../context.js';
import { checkConfig, templateNamed } from '../services/config.js';
import { serviceRequestInput } from '../services/input.js';
import { checkPromise, readPromise } from '../suspension/promise.js';
import type { PromiseDraft } from '../suspension/suspension.js';

/**
 * Looks once for all whether anybody could take what a command is given: else each of many is refused by itself.
 * @throws INVALID_INPUT, SERVICE_TEMPLATE_NOT_FOUND, INVALID_SERVICE_CONFIG
 */
export async function checkCommand(
  context: LifecycleContext,
  command: NamedCommand,
  input: CommandInput,
): Promise<void> {
  checkInput(command, input);
  if (command === 'promise') underInput(() => checkPromise(readPromise(input as PromiseDraft), context.clock.now()));
  if (command !== 'requestService') return;
  const { serviceName, customConfig } = readDraft(serviceRequestInput, input);
  await checkConfig(templateNamed(context, serviceName), customConfig);
}
