// A process that runs the embedded Postgres until its input ends: `node --import ts-imports.ts <this file> OPTIONS`.
import { once } from 'node:events';
import { startEmbedded, type EmbeddedOptions } from '../../src/database/embedded.js';

process.on('SIGINT', () => undefined); // as a service that drains first
const server = await startEmbedded(JSON.parse(process.argv[2] ?? '') as EmbeddedOptions);
process.stdout.write(`${JSON.stringify(server)}\n`);
await once(process.stdin.resume(), 'end');
await server.stop();
