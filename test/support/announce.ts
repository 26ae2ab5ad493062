import { available } from './services.js';

const names: Record<keyof typeof available, string> = {
  postgres: 'PostgreSQL',
  mysql: 'MariaDB',
  redis: 'Redis',
  docker: 'Docker',
  snmpd: 'snmpd',
  freeradius: 'FreeRADIUS',
  namespaces: 'network namespaces (root, unshare and iptables)',
};

/** Says once a run what is not there, and what to do about it; its tests are skipped by name, or left out. */
export default function announce(): void {
  const missing = (Object.keys(names) as (keyof typeof available)[]).filter((service) => !available[service]);
  if (missing.length > 0)
    console.log(
      `Not there: ${missing.map((it) => names[it]).join(', ')}. Their tests are skipped. ` +
        'Start them with `npm run services` (Debian, as root) or `docker compose up -d`.',
    );
}
