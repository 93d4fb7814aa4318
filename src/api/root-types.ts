import type { GraphQLSchema } from 'graphql';

/** What the roots are, for who reads the schema: classes of a code-first schema have no place to say it. */
const DESCRIPTIONS = {
  Query: 'What can be read.',
  Mutation: 'What can be changed. Fields of one operation are carried out one after the other.',
  Subscription:
    'What can be followed live, over graphql-transport-ws. Nothing is lost: pass the last cursor seen as `after` to go on.',
} as const;

export function describeRoots(schema: GraphQLSchema): GraphQLSchema {
  for (const [name, description] of Object.entries(DESCRIPTIONS)) {
    const root = schema.getType(name);
    if (root) root.description = description;
  }
  return schema;
}
