/** Who sets timers by itself; the names of these begin with it. */
const setters = ['promise', 'dunning', 'journey', 'follow'] as const;

/** The name of a timer that is set by itself, and that no request sets or takes away. */
export function ownTimer(setter: (typeof setters)[number], ...of: readonly string[]): string {
  return [setter, ...of].join(':');
}

/** Is that a name of {@link ownTimer}? */
export const isOwnName = (name: string): boolean => setters.some((setter) => name.startsWith(`${setter}:`));
