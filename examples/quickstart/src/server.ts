import { banner } from './banner.js';
import { startQuickstart } from './quickstart.js';
import { readSettings } from './settings.js';

/** SIGTERM drains; whatever has not finished by then is cut off. */
const drainMs = 9_500;

try {
  const settings = readSettings(process.env);
  const running = await startQuickstart(settings);
  console.log(banner(running.url, settings));
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), drainMs).unref();
    running.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
