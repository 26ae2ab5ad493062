import { bulkRoutes } from './bulk/routes.js';
import { commandRoutes } from './commands/routes.js';
import { consistencyRoutes } from './consistency/routes.js';
import { customerRoutes } from './customers/routes.js';
import { deliveryRoutes } from './deliveries/routes.js';
import { dunningRoutes } from './dunning/routes.js';
import { feedRoutes } from './feed/routes.js';
import { figuresRoutes } from './figures/routes.js';
import { onboardingRoutes } from './onboarding/routes.js';
import { privacyRoutes } from './privacy/routes.js';
import { provisioningRoutes } from './provisioning/routes.js';
import { searchRoutes } from './search/routes.js';
import { serviceRoutes } from './services/routes.js';
import { suspensionRoutes } from './suspension/routes.js';
import { timerRoutes } from './timers/routes.js';
import { verificationRoutes } from './verification/routes.js';
import { webhookRoutes } from './webhooks/routes.js';

/** All routes of the lifecycle domain. */
export const lifecycleRoutes = [
  ...searchRoutes,
  ...feedRoutes,
  ...figuresRoutes,
  ...consistencyRoutes,
  ...customerRoutes,
  ...verificationRoutes,
  ...onboardingRoutes,
  ...suspensionRoutes,
  ...serviceRoutes,
  ...provisioningRoutes,
  ...commandRoutes,
  ...timerRoutes,
  ...dunningRoutes,
  ...deliveryRoutes,
  ...privacyRoutes,
  ...webhookRoutes,
  ...bulkRoutes,
];
