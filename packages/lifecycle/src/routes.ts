import { customerRoutes } from './customers/routes.js';
import { onboardingRoutes } from './onboarding/routes.js';
import { provisioningRoutes } from './provisioning/routes.js';
import { suspensionRoutes } from './suspension/routes.js';
import { verificationRoutes } from './verification/routes.js';

/** All routes of the lifecycle domain. */
export const lifecycleRoutes = [
  ...customerRoutes,
  ...verificationRoutes,
  ...onboardingRoutes,
  ...suspensionRoutes,
  ...provisioningRoutes,
];
