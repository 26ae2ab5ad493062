import { appendFile } from 'node:fs/promises';

/** Where a real application would send mail: a JSON line for each token. */
export function mailbox(file: string) {
  return async ({
    customerId,
    channel,
    token,
  }: {
    customerId: string;
    channel: string;
    token: string;
  }): Promise<void> => {
    const line = JSON.stringify({ customer_id: customerId, channel, token });
    await appendFile(file, `${line}\n`, { mode: 0o600 });
  };
}
