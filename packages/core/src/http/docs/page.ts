/** The page around Swagger UI. Its addresses are relative to it, so that it works wherever the API is mounted. */
export function page(title: string): string {
  const escaped = title.replace(/[&<>"]/g, (it) => `&#${it.charCodeAt(0)};`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped}</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body style="margin:0">
<main id="docs"></main>
<noscript><p>This page needs JavaScript; the document itself is at <a href="openapi.json">openapi.json</a>.</p></noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/init.js"></script>
</body>
</html>
`;
}

/** Starts Swagger UI in the reader's colour scheme; a file of its own, since the page allows no inline script. */
export const script = `
document.documentElement.classList.toggle('dark-mode', matchMedia('(prefers-color-scheme: dark)').matches);
SwaggerUIBundle({
  url: new URL('openapi.json', document.baseURI).href,
  dom_id: '#docs',
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  tryItOutEnabled: true,
});
`;
