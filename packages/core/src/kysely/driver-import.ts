import { coreErrors } from '../errors/core-errors.js';

/**
 * Imports an optional driver.
 * @throws DRIVER_MISSING when the package is not installed; a package that is there but fails to load keeps its own
 * error
 */
export async function importDriver<Module>(
  packageName: string,
  purpose: string,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    const missing =
      (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && String(message).includes(`'${packageName}'`);
    throw missing ? coreErrors.DRIVER_MISSING({ packageName, purpose }, { cause: error }) : error;
  }
}
