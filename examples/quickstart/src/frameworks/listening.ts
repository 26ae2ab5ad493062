import type { Server } from 'node:http';

/** A server that listens. */
export interface Listening {
  port: number;
  /** Takes no more requests, and resolves when those under way are answered or were given up. */
  close(): Promise<void>;
}

const graceMs = 3_000;

/** Closes by `close`; connections that are still busy after the grace period are cut. */
export async function drained(server: Server, close: () => Promise<unknown>): Promise<void> {
  const giveUp = setTimeout(() => server.closeAllConnections(), graceMs);
  const closing = close();
  server.closeIdleConnections();
  await closing;
  clearTimeout(giveUp);
}
