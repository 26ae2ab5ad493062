import { appendFile } from 'node:fs/promises';

/** Where a real application would send mail: a JSON line for each token. */
export function mailbox(file: string) {
  return async ({
    customerId,
    channel,
    token,
    path,
  }: {
    customerId: string;
    channel: string;
    token: string;
    path: string | null;
  }): Promise<void> => {
    const line = JSON.stringify({ customer_id: customerId, channel, token, path });
    await appendFile(file, `${line}\n`, { mode: 0o600 });
  };
}
