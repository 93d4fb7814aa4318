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

/** google.protobuf.Duration in its JSON form, e.g. `"3.5s"`. */
export function durationText(duration: { seconds?: string; nanos?: number }): string {
  const nanos = duration.nanos ?? 0;
  const fraction = nanos === 0 ? '' : `.${String(Math.abs(nanos)).padStart(9, '0').replace(/0+$/, '')}`;
  return `${duration.seconds ?? '0'}${fraction}s`;
}

/** google.protobuf.Value, as proto-loader decodes it. */
interface ValueFields {
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
