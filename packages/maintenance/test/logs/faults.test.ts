import { failEach } from '../support/log-faults.js';

failEach(['open', 'link', 'rename', 'unlink', 'write', 'sync', 'truncate']);
