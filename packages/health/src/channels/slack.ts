import { postUrl } from '@dotmac/core/contract';
import { faultsOfUrl, postJson } from '@dotmac/core/net';
import { z } from 'zod';
import { isWellAgain, type AlertItem } from '../alerts/message.js';
import { defineChannel } from './channel-kind.js';

const [yellow, orange, red] = ['#d9a404', '#d9480f', '#c92a2a'];
const colours: Record<AlertItem['severity'], string> = {
  ...{ degraded: yellow, critical: orange, offline: red },
  ...{ ticket: yellow, page: red },
};
const recovered = '#2b8a3e';

/** As Slack asks for it (https://docs.slack.dev/messaging/formatting-message-text): nothing in a name is a command. */
function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** Posts to an incoming webhook of Slack, or of what understands the same: Mattermost, Rocket.Chat, Discord (`/slack`). */
export const slackChannel = defineChannel({
  kind: 'slack',
  summary: 'Posts to an incoming webhook of Slack, Mattermost, Rocket.Chat or Discord.',
  config: z.strictObject({}),
  // Whoever knows the URL can post: it is the secret.
  secrets: z.strictObject({ url: postUrl }),
  faults: ({ secrets: { url } }, connector) => faultsOfUrl('secrets.url', url, connector),
  deliver(delivery) {
    const { message, secrets } = delivery;
    const attachments = message.items.map((item) => ({
      color: isWellAgain(item) ? recovered : colours[item.severity],
      text: escaped(item.text),
      ts: Math.floor((item.resolvedAt ?? item.startedAt) / 1_000),
    }));
    const body = JSON.stringify({ text: escaped(message.text), attachments });
    return postJson(delivery, { url: secrets.url, headers: {}, body });
  },
});
