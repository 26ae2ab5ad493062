import { postUrl } from '@dotmac/core/contract';
import { faultsOfUrl, postJson } from '@dotmac/core/net';
import { z } from 'zod';
import { isWellAgain, type AlertItem, type AlertMessage } from '../alerts/message.js';
import { said } from '../probes/said.js';
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

/** Discord takes no more, and no more than 6,000 characters in them. */
const mostAttachments = 10;
const mostOfAttachment = 500;
/** Discord takes 2,000 in a message besides. */
const mostOfText = 1_800;

/** A message's own line, and those of the items that have no attachment, as many as fit. */
function textOf({ text, items }: Pick<AlertMessage, 'text' | 'items'>): string {
  const lines = [said(text, mostOfAttachment)];
  const rest = items.slice(mostAttachments);
  for (const [index, item] of rest.entries()) {
    const line = said(item.text, mostOfAttachment);
    if (lines.join('\n').length + line.length > mostOfText)
      return [...lines, `and ${rest.length - index} more`].join('\n');
    lines.push(line);
  }
  return lines.join('\n');
}

/** Posts to an incoming webhook of Slack, or of what understands the same: Mattermost, Rocket.Chat, Discord (`/slack`). */
export const slackChannel = defineChannel({
  kind: 'slack',
  summary:
    'Posts to an incoming webhook of Slack, Mattermost, Rocket.Chat, or Discord (its URL with /slack behind it).',
  config: z.strictObject({}),
  // Whoever knows the URL can post: it is the secret.
  secrets: z.strictObject({ url: postUrl }),
  faults: ({ secrets: { url } }, connector) => faultsOfUrl('secrets.url', url, connector),
  deliver(delivery) {
    const { message, secrets } = delivery;
    const attachments = message.items.slice(0, mostAttachments).map((item) => ({
      color: isWellAgain(item) ? recovered : colours[item.severity],
      text: escaped(said(item.text, mostOfAttachment)),
      ts: Math.floor((item.resolvedAt ?? item.startedAt) / 1_000),
    }));
    const body = JSON.stringify({ text: escaped(textOf(message)), attachments });
    return postJson(delivery, { url: secrets.url, headers: {}, body });
  },
});
