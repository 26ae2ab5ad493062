/** What is to be done later is done within a hundred years, in days: what says more says never, and has no date. */
export const longestDays = 36_500;
