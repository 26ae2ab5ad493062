import { Counter, Histogram, type Registry } from 'prom-client';

/** Registers the request metrics. Labels are the route's pattern, method and status: bounded, and free of tenants. */
export function requestMetrics(registry: Registry) {
  const labelNames = ['route', 'method', 'status'] as const;
  // Several modules on one registry count together.
  const registered = <Metric>(name: string): Metric | undefined => registry.getSingleMetric(name) as Metric | undefined;
  const requests =
    registered<Counter<(typeof labelNames)[number]>>('dotmac_http_requests_total') ??
    new Counter({
      name: 'dotmac_http_requests_total',
      help: 'Requests answered',
      labelNames,
      registers: [registry],
    });
  const seconds =
    registered<Histogram<'route' | 'method'>>('dotmac_http_request_duration_seconds') ??
    new Histogram({
      name: 'dotmac_http_request_duration_seconds',
      help: 'Time from a request to its answer',
      labelNames: ['route', 'method'] as const,
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
      registers: [registry],
    });
  return (route: string, method: string, status: number, took: number): void => {
    requests.inc({ route, method, status: String(status) });
    seconds.observe({ route, method }, took);
  };
}
