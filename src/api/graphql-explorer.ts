import { type RequestHandler, Router } from 'express';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { GRAPHQL_PATH } from './graphql.js';
import { EXAMPLES } from './graphql-examples.js';

const ASSETS_PATH = '/graphiql';

/** Nothing but our own files and our own server; the editor writes style elements. */
const POLICY = [
  `default-src 'none'`,
  `script-src 'self'`,
  `worker-src 'self'`,
  `connect-src 'self'`,
  `style-src 'self' 'unsafe-inline'`,
  `font-src 'self' data:`,
  `img-src 'self' data:`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`,
].join('; ');

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>GraphiQL of Parley</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="${ASSETS_PATH}/graphiql.css">
    <script src="${ASSETS_PATH}/graphql-ws.js" defer></script>
    <script src="${ASSETS_PATH}/graphiql.js" defer></script>
    <script src="${ASSETS_PATH}/start.js" defer></script>
  </head>
  <body class="no-focus-outline">
    <noscript>GraphiQL needs JavaScript.</noscript>
    <div id="root"></div>
  </body>
</html>
`;

/**
 * Runs in the browser. Queries go by HTTP, subscriptions by WebSocket; both with what the Headers tab says, whose authorization
 * may be "Basic keyId:keySecret" as it is. Nothing of it is kept when the page is left.
 */
const START = `'use strict';
const workers = { graphql: 'graphql.worker.js', json: 'json.worker.js', editorWorkerService: 'editor.worker.js' };
self.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (_module, label) => '${ASSETS_PATH}/' + workers[label] };

const endpoint = new URL('${GRAPHQL_PATH}', location.href);

function credentials(headers) {
  const name = Object.keys(headers).find((key) => key.toLowerCase() === 'authorization');
  if (!name) return {};
  const plain = /^Basic ([^:]+:.+)$/.exec(headers[name]);
  return { authorization: plain ? 'Basic ' + btoa(plain[1]) : headers[name] };
}

async function ask(request, headers) {
  const others = Object.fromEntries(Object.entries(headers).filter(([key]) => key.toLowerCase() !== 'authorization'));
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { ...others, ...credentials(headers), 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  return response.json();
}

function subscribe(request, headers) {
  const client = graphqlWs.createClient({
    url: endpoint.href.replace(/^http/, 'ws'),
    connectionParams: credentials(headers),
    retryAttempts: 0,
  });
  const events = client.iterate(request);
  const next = events.next.bind(events);
  events.next = () =>
    next().catch((error) => {
      throw 'reason' in error ? new Error('the socket was closed: ' + error.code + ' ' + error.reason) : error;
    });
  return events;
}

function isSubscription({ operationName }, document) {
  const operations = (document?.definitions ?? []).filter(({ kind }) => kind === 'OperationDefinition');
  const chosen = operations.find(({ name }) => !operationName || name?.value === operationName);
  return chosen?.operation === 'subscription';
}

const headers = JSON.stringify({ authorization: 'Basic keyId:keySecret' }, null, 2);
YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), {
  title: 'Parley',
  logo: '',
  headers,
  defaultTabs: ${JSON.stringify(EXAMPLES)}.map((example) => ({ ...example, headers })),
  shouldPersistHeaders: false,
  fetcher: (request, { headers = {}, documentAST } = {}) =>
    isSubscription(request, documentAST) ? subscribe(request, headers) : ask(request, headers),
});
`;

type Asset = () => Promise<string>;
const ofGraphiql =
  (part: 'css' | 'js' | 'editorWorkerService' | 'graphqlWorker' | 'jsonWorker'): Asset =>
  async () =>
    // Nine megabytes, which only who opens the page needs.
    (await import('@graphql-yoga/render-graphiql/graphiql'))[part];

const ASSETS: Readonly<Record<string, Asset>> = {
  'graphiql.css': ofGraphiql('css'),
  'graphiql.js': ofGraphiql('js'),
  'editor.worker.js': ofGraphiql('editorWorkerService'),
  'graphql.worker.js': ofGraphiql('graphqlWorker'),
  'json.worker.js': ofGraphiql('jsonWorker'),
  'graphql-ws.js': clientOfSubscriptions,
  'start.js': async () => START,
};

/** GraphiQL for a browser that opens `/graphql`; its files are those of our dependencies, no other host is asked. */
export function explorer(): Router {
  const router = Router();
  router.get(GRAPHQL_PATH, page);
  router.get(`${ASSETS_PATH}/:file`, asset);
  return router;
}

const page: RequestHandler = (request, response, next) => {
  if (request.accepts(['json', 'html']) !== 'html') {
    next();
    return;
  }
  response.set('content-security-policy', POLICY).type('html').send(PAGE);
};

const asset: RequestHandler<{ file: string }> = async ({ params: { file } }, response, next) => {
  const read = Object.hasOwn(ASSETS, file) ? ASSETS[file] : undefined;
  if (!read) {
    next();
    return;
  }
  response
    .set({ 'cache-control': 'no-cache', 'content-security-policy': POLICY })
    .type(file)
    .send(await read());
};

/** The package has its build for script elements beside what it exports. */
async function clientOfSubscriptions(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('graphql-ws');
  return readFile(join(dirname(entry), '../umd/graphql-ws.min.js'), 'utf8');
}
