import { stages } from './stage.js';
import { commands, transitions } from './transitions.js';

/**
 * The table of transitions as a Mermaid state diagram (https://mermaid.js.org/syntax/stateDiagram.html), commands that
 * stay where they are left out.
 *
 * @example
 * writeFileSync('stages.mmd', transitionDiagram());
 */
export function transitionDiagram(): string {
  const lines = stages.flatMap((from) => {
    const ways = new Map<string, string[]>();
    for (const command of commands) {
      const transition = transitions[from][command];
      for (const to of new Set([transition?.to, transition?.whileBlocked, transition?.beforeActive]))
        if (to !== undefined && to !== from) ways.set(to, [...(ways.get(to) ?? []), command]);
    }
    return [...ways].map(([to, by]) => `  ${from} --> ${to}: ${by.join(', ')}`);
  });
  return ['stateDiagram-v2', '  [*] --> registration: register', ...lines, ''].join('\n');
}
