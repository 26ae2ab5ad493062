/** What a page of verification is about: `ask` (whether it is to be done), `done`, or `failed` (for whatever reason). */
export type VerificationPageState = 'ask' | 'done' | 'failed';

/** Makes the page that a link leads to. On `ask` it has a form that POSTs to its own address, without fields. */
export type VerificationPage = (state: VerificationPageState) => string;

const texts: Record<VerificationPageState, { title: string; text: string }> = {
  ask: { title: 'Confirm your email address', text: 'Press the button to confirm that this address is yours.' },
  done: { title: 'Thank you', text: 'Your email address is confirmed. You can close this page.' },
  failed: { title: 'This link is not valid any more', text: 'Ask for a new one where you registered.' },
};

/** The page of those who do not bring their own. */
export const plainPage: VerificationPage = (state) => {
  const { title, text } = texts[state];
  const form = state === 'ask' ? '<form method="post"><button>Confirm</button></form>' : '';
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width, initial-scale=1">' +
    `<title>${title}</title></head><body><h1>${title}</h1><p>${text}</p>${form}</body></html>`
  );
};
