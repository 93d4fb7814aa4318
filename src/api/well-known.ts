const FIRST_TIME = Date.parse('0001-01-01T00:00:00Z');
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z');

/** google.protobuf.Timestamp as grpc-js wants it: a Date would be sent as an empty message, without complaint. */
export interface TimestampFields {
  seconds: string;
  nanos: number;
}

export function timestamp(date: Date): TimestampFields {
  const ms = date.getTime();
  const seconds = Math.floor(ms / 1000);
  return { seconds: String(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}

/** An invalid date when it is outside of what google.protobuf.Timestamp allows, the years 1 to 9999. */
export function dateOf({ seconds = '0', nanos = 0 }: Partial<TimestampFields>): Date {
  const date = new Date(Number(seconds) * 1000 + nanos / 1_000_000);
  return date.getTime() >= FIRST_TIME && date.getTime() <= LAST_TIME ? date : new Date(NaN);
}

/** google.protobuf.Duration in its JSON form, e.g. `"3.5s"`. */
export function durationText(duration: { seconds?: string; nanos?: number }): string {
  const nanos = duration.nanos ?? 0;
  const fraction = nanos === 0 ? '' : `.${String(Math.abs(nanos)).padStart(9, '0').replace(/0+$/, '')}`;
  return `${duration.seconds ?? '0'}${fraction}s`;
}

/** google.protobuf.Value, as proto-loader decodes it. */
interface ValueFields {
  nullValue?: 'NULL_VALUE';
  numberValue?: number;
  stringValue?: string;
  boolValue?: boolean;
  structValue?: StructFields | null;
  listValue?: { values?: ValueFields[] } | null;
}

/** google.protobuf.Struct, as proto-loader decodes it. */
export interface StructFields {
  fields?: Record<string, ValueFields>;
}

export function structObject(struct: StructFields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(struct.fields ?? {}).map(([key, value]) => [key, plain(value)]));
}

function plain(value: ValueFields): unknown {
  if (value.structValue) return structObject(value.structValue);
  if (value.listValue) return (value.listValue.values ?? []).map(plain);
  return value.stringValue ?? value.numberValue ?? value.boolValue ?? null;
}

/** The reverse of `structObject`, for any JSON. */
export function structFields(object: Record<string, unknown>): StructFields {
  return {
    fields: Object.fromEntries(Object.entries(object).map(([key, value]) => [key, valueFields(value)])),
  };
}

function valueFields(value: unknown): ValueFields {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number') return { numberValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value !== 'object' || value === null) return { nullValue: 'NULL_VALUE' };
  if (Array.isArray(value)) return { listValue: { values: value.map(valueFields) } };
  return { structValue: structFields(value as Record<string, unknown>) };
}
