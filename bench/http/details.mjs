/** Fifty endpoints' kept states: what `GET /network-monitoring/health` shows, from either server. */
export const details = Array.from({ length: 50 }, (_, index) => ({
  endpoint_id: `0199c0de-0000-7000-8000-${String(index).padStart(12, '0')}`,
  endpoint_name: `endpoint ${index}`,
  status: 'healthy',
  response_time: 0.01,
  message: 'Answered as expected',
  checked_at: '2026-01-01T00:00:00.000Z',
}));
