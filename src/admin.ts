import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { ProjectsService } from './access/projects.service.js';
import { loadConfig } from './config.js';
import { createDataSource } from './database/data-source.js';
import { startEmbedded } from './database/embedded.js';
import { DomainError } from './errors.js';

const USAGE = `Usage: npm run admin -- COMMAND [--json]   (in production: node dist/src/admin.js COMMAND [--json])

  project create NAME      makes a project
  key create PROJECT_ID    makes an access key; its secret is shown this once
  key list PROJECT_ID      lists the keys of a project
  key revoke KEY_ID        ends a key; it stops working within seconds

With --json the answer is one line of JSON.`;

/** Exit codes: a command that failed, and one that was not understood. */
const FAILED = 1;
const MISUSED = 2;

type Answer = Record<string, unknown> | Record<string, unknown>[];
type Command = (projects: ProjectsService, argument: string) => Promise<Answer>;

const COMMANDS: Readonly<Record<string, Command>> = {
  'project create': async (projects, name) => {
    const { projectId, displayName } = await projects.createProject(name);
    return { projectId, name: displayName };
  },
  'key create': async (projects, projectId) => {
    const { keyId, secret } = await projects.createKey(projectId);
    return { projectId, keyId, keySecret: secret };
  },
  'key list': async (projects, projectId) => {
    const keys = await projects.listKeys(projectId);
    return keys.map(({ keyId, createdAt, revokedAt }) => ({
      keyId,
      createdAt: createdAt.toISOString(),
      revokedAt: revokedAt?.toISOString() ?? null,
    }));
  },
  'key revoke': async (projects, keyId) => {
    await projects.revokeKey(keyId);
    return { keyId, revoked: true };
  },
};

interface Call {
  command: Command;
  argument: string;
  json: boolean;
}

function understand(args: string[]): Call | null {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    });
    const [noun, verb, argument, ...more] = positionals;
    const command = COMMANDS[`${noun} ${verb}`];
    if (!command || !argument || more.length > 0) return null;
    return { command, argument, json: values.json };
  } catch {
    return null;
  }
}

function print(answer: Answer, json: boolean): void {
  if (json) return console.log(JSON.stringify(answer));
  if (!Array.isArray(answer)) {
    for (const [name, value] of Object.entries(answer)) console.log(`${name}: ${String(value)}`);
    return;
  }
  for (const row of answer) {
    console.log(
      Object.entries(row)
        .filter(([, value]) => value !== null)
        .map(([name, value]) => `${name}: ${String(value)}`)
        .join('  '),
    );
  }
  if (answer.length === 0) console.log('none');
}

async function run({ command, argument, json }: Call): Promise<void> {
  const config = loadConfig();
  const embedded = config.DATABASE_URL ? null : await startEmbedded({ dataDir: config.PARLEY_DATA_DIR });
  try {
    const dataSource = createDataSource(config.DATABASE_URL ?? embedded?.url ?? '', 1);
    await dataSource.initialize();
    try {
      await dataSource.runMigrations();
      print(await command(new ProjectsService(dataSource), argument), json);
    } finally {
      await dataSource.destroy();
    }
  } finally {
    await embedded?.stop();
  }
}

const call = understand(process.argv.slice(2));
if (!call) {
  console.error(USAGE);
  process.exitCode = MISUSED;
} else {
  try {
    await run(call);
  } catch (error) {
    const { message } = error instanceof Error ? error : { message: String(error) };
    console.error(error instanceof DomainError ? message : `failed: ${message}`);
    process.exitCode = FAILED;
  }
}
