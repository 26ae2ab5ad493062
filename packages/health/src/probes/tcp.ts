import type { Probe } from './probe.js';

/** Connects, and hangs up. The response time is the connection's, without the name's resolution. */
export const tcpProbe: Probe = async ({ connector, host, port, timeoutMs, signal }) => {
  const { socket, timings } = await connector.connect({ host, port, timeoutMs, signal });
  socket.destroy();
  return { responseTimeMs: timings.connectMs, message: 'Connected' };
};
