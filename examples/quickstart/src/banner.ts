import type { Settings } from './settings.js';

/** What is printed when the server listens: where it is, and three things to try. */
export function banner(url: string, { demoKey, dataDirectory }: Settings): string {
  const key = demoKey ?? 'YOUR_KEY';
  const auth = `-H "Authorization: Bearer ${key}"`;
  const json = `-H "Content-Type: application/json"`;
  return `
dotmac quickstart is listening on ${url}

  API reference  ${url}/docs
  ${demoKey ? `Demo key       ${demoKey}` : 'Keys           as configured in DOTMAC_API_KEYS'}
  Data           ${dataDirectory}

Try:

  curl ${url}/network-monitoring/health ${auth}

  curl ${url}/network-monitoring/endpoints ${auth} ${json} \\
    -d '{"name":"this server","host":"127.0.0.1","port":${new URL(url).port},"service_type":"http"}'

  curl ${url}/infrastructure-maintenance/database/cleanup ${auth} ${json} \\
    -d '{"retention_days":30}'
`;
}
