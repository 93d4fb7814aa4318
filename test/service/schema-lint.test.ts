// The schema is the documentation: the linter's rules hold for it, and would notice if they did not.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const LINTER = join(ROOT, 'node_modules/graphql-schema-linter/lib/cli.js');
const committed = readFileSync(join(ROOT, 'src/schema.graphql'), 'utf8');

const { rules: RULES } = JSON.parse(readFileSync(join(ROOT, '.graphql-schema-linterrc'), 'utf8')) as {
  rules: string[];
};

interface Report {
  errors: { message: string; rule: string }[];
}

/** What the linter has to say of an SDL, by the rules of `.graphql-schema-linterrc`. */
function lint(sdl: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const linter = execFile(
      process.execPath,
      [LINTER, '--stdin', '--format', 'json', '--config-directory', ROOT],
      { maxBuffer: 16 * 1024 * 1024 },
      (_failed, stdout, stderr) => {
        if (stderr !== '') return reject(new Error(stderr));
        resolve((JSON.parse(stdout) as Report).errors.map(({ message, rule }) => `${rule}: ${message}`));
      },
    );
    linter.stdin?.end(sdl);
  });
}

test('the committed schema keeps every rule', async () => {
  expect(await lint(committed)).toEqual([]);
});

test('every rule would notice if it were broken', async () => {
  const broken = `
    type Bare { name(of: ID): String }
    input BareInput { name: String }
    enum BareEnum { ONE }
    """Names.""" type lowly { """A field.""" display_name: String }
    """Names.""" input NamesInput { """A field.""" display_name: String }
    """Values.""" enum Values { """A value.""" one """A value.""" TWO @deprecated }
    """A page.""" type BareConnection { """A list.""" items("""How many.""" first: Int): [String] }
    extend type App { """without a capital letter.""" nickname: String }
    extend type App { """A list.""" friends: AppConnection! }`;
  const damaged = committed.replace('  hasNextPage: Boolean!\n', '  hasNextPage: Boolean\n') + broken;
  const found = new Set((await lint(damaged)).map((error) => error.split(':')[0]));
  expect([...found].sort()).toEqual(RULES.sort());
});
