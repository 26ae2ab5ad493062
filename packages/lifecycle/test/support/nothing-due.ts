const none = () => Promise.resolve({ items: [], nextCursor: null });

/** For a store whose reader is to find nothing that others left behind. */
export const nothingDue = { dueRuns: none, dueTimers: none };
