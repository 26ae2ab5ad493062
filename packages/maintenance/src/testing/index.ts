export { maintenanceStoreSuite } from './store-suite.js';
