import { bulkRoutes } from './bulk/routes.js';
import { commandRoutes } from './commands/routes.js';
import { customerRoutes } from './customers/routes.js';
import { dunningRoutes } from './dunning/routes.js';
import { onboardingRoutes } from './onboarding/routes.js';
import { privacyRoutes } from './privacy/routes.js';
import { provisioningRoutes } from './provisioning/routes.js';
import { serviceRoutes } from './services/routes.js';
import { suspensionRoutes } from './suspension/routes.js';
import { timerRoutes } from './timers/routes.js';
import { verificationRoutes } from './verification/routes.js';
import { webhookRoutes } from './webhooks/routes.js';

/** All routes of the lifecycle domain. */
export const lifecycleRoutes = [
  ...customerRoutes,
  ...verificationRoutes,
  ...onboardingRoutes,
  ...suspensionRoutes,
  ...serviceRoutes,
  ...provisioningRoutes,
  ...commandRoutes,
  ...timerRoutes,
  ...dunningRoutes,
  ...privacyRoutes,
  ...webhookRoutes,
  ...bulkRoutes,
];
