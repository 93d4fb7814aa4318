// Front ends are built on what was released: the schema may grow, but what it had stays.
import { CriticalityLevel, diff, DiffRule } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
/** The SDL of the last release; `npm run schema:release` writes it. In the repository, because a clone may have no history. */
const released = readFileSync(join(ROOT, 'test/fixtures/schema.released.graphql'), 'utf8');
const committed = readFileSync(join(ROOT, 'src/schema.graphql'), 'utf8');

/** What would break a client of the former schema. A field may go once a release has said that it will: `@deprecated`. */
async function breaking(former: string, latter: string): Promise<string[]> {
  const changes = await diff(buildSchema(former), buildSchema(latter), [
    DiffRule.suppressRemovalOfDeprecatedField,
  ]);
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ message }) => message);
}

test('nothing that was released has been broken', async () => {
  expect(await breaking(released, committed)).toEqual([]);
});

/** Replaces what occurs once. */
function changed(from: string, to: string): string {
  expect(released.split(from)).toHaveLength(2);
  return released.replace(from, to);
}

test.each([
  {
    what: 'a field that is removed',
    from: '  unreadCount: Int!\n',
    to: '  unread: Int!\n',
    message: "Field 'unreadCount' was removed from object type 'Conversation'",
  },
  {
    what: 'a field that may be null from now on',
    from: '  unreadCount: Int!\n',
    to: '  unreadCount: Int\n',
    message: "Field 'Conversation.unreadCount' changed type from 'Int!' to 'Int'",
  },
  {
    what: 'an operation that asks for more',
    from: '  deleteConversation(id: ID!): Boolean!',
    to: '  deleteConversation(id: ID!, reason: String!): Boolean!',
    message: "Argument 'reason: String!' added to field 'Mutation.deleteConversation'",
  },
  {
    what: 'a value of an enum that is removed',
    from: '  NEEDS_REAUTH\n',
    to: '  NEEDS_CARE\n',
    message: "Enum value 'NEEDS_REAUTH' was removed from enum 'ChannelState'",
  },
])('$what breaks clients', async ({ from, to, message }) => {
  expect(await breaking(released, changed(from, to))).toEqual([message]);
});

test('what is added breaks nobody, and what was deprecated may go', async () => {
  const grown = changed('  unreadCount: Int!\n', '  unreadCount: Int!\n  unseenCount: Int\n');
  expect(await breaking(released, grown)).toEqual([]);
  const deprecated = changed(
    '  unreadCount: Int!\n',
    '  unreadCount: Int! @deprecated(reason: "Ask messages.")\n',
  );
  const without = changed('  unreadCount: Int!\n', '  unseenCount: Int\n');
  expect(await breaking(deprecated, without)).toEqual([]);
});
