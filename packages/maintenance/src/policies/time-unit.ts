/** How a time column keeps its instants: epoch milliseconds, epoch seconds, or the database's own type (zoneless ones are UTC). */
export type TimeUnit = 'ms' | 's' | 'timestamp';
