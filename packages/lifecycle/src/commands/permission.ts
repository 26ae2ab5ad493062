import type { Permission } from '@dotmac/core/contract';
import type { Command } from '../customers/transitions.js';
import type { Timer } from '../timers/timer.js';

/**
 * What a command needs besides `lifecycle:write`, whatever way it is given: over its own route, in a dry run, by a timer.
 * @returns undefined: nothing
 */
export function permissionOf(command: Command | Timer['command']): Permission | undefined {
  return command === 'erase' ? 'lifecycle:privacy' : undefined;
}
