import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';

/** Stands for the service: says its process id, and leaves with 0 when told to stop. */
const SERVICE = `process.on('SIGTERM', () => process.exit(0));
setInterval(() => {}, 1000);
console.log('pid ' + process.pid);`;

let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'parley-test-scripts-'));
  copyFileSync(resolve(import.meta.dirname, '../../package.json'), join(project, 'package.json'));
  mkdirSync(join(project, 'dist/src'), { recursive: true });
  writeFileSync(join(project, 'dist/src/main.js'), SERVICE);
});
afterEach(() => rmSync(project, { recursive: true }));

test.each(['start', 'start:prod'])(
  'a signal to npm run %s ends the service, not npm alone',
  async (script) => {
    const npm = spawn('npm', ['run', script, '--ignore-scripts'], {
      cwd: project,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = once(npm, 'exit');
    let output = '';
    npm.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    npm.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const service = await eventually(() => {
      const pid = /^pid (\d+)$/m.exec(output)?.[1];
      expect(pid, output).toBeDefined();
      return Number(pid);
    }, 'the service says its process id');
    npm.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(() => process.kill(service, 0)).toThrow('ESRCH');
  },
);
