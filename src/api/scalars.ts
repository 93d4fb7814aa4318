import { GraphQLError, GraphQLScalarType, Kind, type ValueNode, valueFromASTUntyped } from 'graphql';

const ISO_8601 = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** Date and time with zone. Answers are in UTC, in milliseconds. */
export const DateTime = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description: 'A point in time, ISO 8601 with a zone: 2026-01-31T09:30:00.000Z. Answers are in UTC.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: (value) => parseDateTime(value instanceof Date ? isoString(value) : value).toISOString(),
  parseValue: (value) => parseDateTime(value),
  parseLiteral: (node) => parseDateTime(node.kind === Kind.STRING ? node.value : null, node),
});

/** Any JSON value. */
export const Json = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  description: 'Any JSON value.',
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: (node, variables) => valueFromASTUntyped(node, variables),
});

function parseDateTime(value: unknown, node?: ValueNode): Date {
  const match = typeof value === 'string' ? ISO_8601.exec(value) : null;
  const time = match ? new Date(match[0]) : null;
  // JavaScript reads the 31st of February as a day in March.
  const day = match && new Date(Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])));
  if (!time || !day || Number.isNaN(time.getTime()) || day.getUTCDate() !== Number(match?.[3])) {
    throw new GraphQLError('DateTime must be ISO 8601 with a zone, such as 2026-01-31T09:30:00Z', {
      nodes: node,
    });
  }
  return time;
}

function isoString(date: Date): string | null {
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
