import { parseArgs } from 'node:util';
import type { ProjectsService } from './projects.service.js';

export const USAGE = `Usage: npm run admin -- COMMAND [--json]   (in production: node dist/src/admin.js COMMAND [--json])

  project create NAME      makes a project
  key create PROJECT_ID    makes an access key; its secret is shown this once
  key list PROJECT_ID      lists the keys of a project
  key revoke KEY_ID        ends a key; it stops working within seconds

With --json the answer is one line of JSON.`;

type Row = Record<string, string | boolean | null>;
type Command = (projects: ProjectsService, argument: string) => Promise<Row | Row[]>;

/** A command line, understood. */
export interface AdminCall {
  /** Does it, and answers what to print. */
  run(projects: ProjectsService): Promise<string>;
}

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

/** Null when the arguments are no command of ours. */
export function understand(args: string[]): AdminCall | null {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    });
    const [noun, verb, argument, ...more] = positionals;
    const command = COMMANDS[`${noun} ${verb}`];
    if (!command || !argument || more.length > 0) return null;
    return {
      run: async (projects) => {
        const answer = await command(projects, argument);
        return values.json ? JSON.stringify(answer) : plain(answer);
      },
    };
  } catch {
    return null;
  }
}

/** One `name: value` a line; of a list one row a line, without what is not set. */
function plain(answer: Row | Row[]): string {
  const fields = (row: Row): string[] =>
    Object.entries(row)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name}: ${value}`);
  if (!Array.isArray(answer)) return fields(answer).join('\n');
  return answer.map((row) => fields(row).join('  ')).join('\n');
}
