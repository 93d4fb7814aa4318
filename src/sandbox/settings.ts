import { boolean, integer, list, shape } from './judge/rules.js';

/** How the sandbox plays Messenger for a page; delays in milliseconds. */
export interface Settings {
  echo: boolean;
  echo_delay_ms: number;
  /** The echo is posted, and acknowledged or given up, before the send is answered. */
  echo_before_answer: boolean;
  delivery: boolean;
  delivery_delay_ms: number;
  /** Whether delivery receipts list message ids beside the watermark: Meta does not always. */
  delivery_mids: boolean;
  read: boolean;
  read_delay_ms: number;
  /** How often each webhook is posted: Meta posts doubles now and then. */
  copies: number;
  /** Waits before each further try of a webhook that was not answered with 200. */
  retry_delays_ms: number[];
  /** Calls without `appsecret_proof` are refused. */
  require_appsecret_proof: boolean;
}

export const defaultSettings: Settings = {
  echo: true,
  echo_delay_ms: 0,
  echo_before_answer: false,
  delivery: true,
  delivery_delay_ms: 20,
  delivery_mids: true,
  read: true,
  read_delay_ms: 40,
  copies: 1,
  retry_delays_ms: [200, 1_000, 3_000],
  require_appsecret_proof: false,
};

const delay = integer(0, 60_000);

export const settings = shape(
  {},
  {
    echo: boolean,
    echo_delay_ms: delay,
    echo_before_answer: boolean,
    delivery: boolean,
    delivery_delay_ms: delay,
    delivery_mids: boolean,
    read: boolean,
    read_delay_ms: delay,
    copies: integer(1, 5),
    retry_delays_ms: list(0, 10, delay),
    require_appsecret_proof: boolean,
  },
);
