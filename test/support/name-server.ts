import { createSocket } from 'node:dgram';
import ipaddr from 'ipaddr.js';

const HEADER = 12;
const QUESTION_TAIL = 4;
const TYPE_A = 1;
const TYPE_AAAA = 28;
const NAME_ERROR = 3;

/** A DNS server that says what a test wants. */
export interface NameServer {
  /** `address:port`. */
  address: string;
  /** Names it was asked for, with the type, in order. */
  asked: string[];
  close(): Promise<void>;
}

/**
 * @param addresses of a name, asked anew for each query, so that answers can change; null when there is no such name.
 * Source: RFC 1035, section 4.
 */
export async function startNameServer(addresses: (name: string) => string[] | null): Promise<NameServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (query, from) => {
    const { name, end } = nameOf(query);
    const type = query.readUInt16BE(end);
    asked.push(`${name} ${type === TYPE_A ? 'A' : 'AAAA'}`);
    const known = addresses(name);
    const answers = (known ?? [])
      .map((address) => ipaddr.parse(address))
      .filter((address) => (address.kind() === 'ipv4' ? TYPE_A : TYPE_AAAA) === type)
      .map((address) => record(type, Buffer.from(address.toByteArray())));
    socket.send(reply(query, end + QUESTION_TAIL, known === null, answers), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => new Promise((resolve) => socket.close(resolve)),
  };
}

function nameOf(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('ascii', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function reply(query: Buffer, questionEnd: number, unknown: boolean, answers: Buffer[]): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  header.writeUInt16BE(0x8180 | (unknown ? NAME_ERROR : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  return Buffer.concat([header, query.subarray(HEADER, questionEnd), ...answers]);
}

/** About the name of the question, not to be kept. */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 | HEADER, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(0, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
