import { createHmac } from 'node:crypto';
import WebSocket from 'ws';
import { once } from 'node:events';
import { Crowd } from './crowd.js';
import { HttpConnection, postBytes } from './http-connection.js';
import { type Machine, PAGE_ID } from './machine.js';
import { inTurn, latency, type Result, resultOf } from './measure.js';

const SUBSCRIBERS = 1_000;
const SECONDS = 4;
const APP_SECRET = 'bench-app-secret';
const PERSON = '7500000000000001';

/** From a webhook's POST until the last of a thousand subscribers has its event; the baseline sends the same bytes to as many bare sockets. */
export async function fanOut(machine: Machine): Promise<Result[]> {
  const parley = await machine.parley('fan_out');
  const appId = await parley.createApp();
  await parley.connectMessenger(appId, APP_SECRET);
  const contestant = new Contestant(
    await Crowd.ofInbox(parley, appId, SUBSCRIBERS),
    await HttpConnection.open(parley.url),
    (mark) => webhook(`${parley.url}/adapter/v1/${appId}/callback`, mark),
  );
  const first = mark();
  const frame = await contestant.tell(first);

  const address = await machine.server('fan-out.baseline.js', {});
  const baseline = new Contestant(
    await Crowd.gather(SUBSCRIBERS, async () => {
      const socket = new WebSocket(`ws://${address}`);
      await once(socket, 'open');
      return socket;
    }),
    await HttpConnection.open(`http://${address}`),
    (mark) => postBytes(`http://${address}/`, {}, frame.replaceAll(first, mark)),
  );
  try {
    const figures = await inTurn({ parley: () => contestant.run(), baseline: () => baseline.run() }, () =>
      machine.analyze([parley.databaseUrl]),
    );
    return [resultOf('fan-out', 'ms', figures)];
  } finally {
    contestant.end();
    baseline.end();
  }
}

let marks = 0;

/** Of one length, so that what is sent is as long each time. */
function mark(): string {
  marks += 1;
  return `mark ${String(marks).padStart(9, '0')}`;
}

class Contestant {
  constructor(
    private readonly crowd: Crowd,
    private readonly connection: HttpConnection,
    private readonly request: (mark: string) => Buffer,
  ) {}

  run(): Promise<number> {
    return latency(SECONDS, () => this.tell(mark()));
  }

  /** The frame that the last of them got. */
  async tell(mark: string): Promise<string> {
    const heard = this.crowd.hears(mark);
    const { status } = await this.connection.exchange(this.request(mark));
    if (status !== 200) throw new Error(`fan-out: answered ${status}`);
    return heard;
  }

  end(): void {
    this.crowd.disperse();
    this.connection.close();
  }
}

/** Somebody says the mark. */
function webhook(url: string, mark: string): Buffer {
  const now = Date.now();
  const message = { mid: `m_${now}_${mark}`, text: `Hello, is it still available in blue? ${mark}` };
  const item = { sender: { id: PERSON }, recipient: { id: PAGE_ID }, timestamp: now, message };
  const body = JSON.stringify({ object: 'page', entry: [{ id: PAGE_ID, time: now, messaging: [item] }] });
  const signature = createHmac('sha256', APP_SECRET).update(body).digest('hex');
  return postBytes(url, { 'x-hub-signature-256': `sha256=${signature}` }, body);
}
