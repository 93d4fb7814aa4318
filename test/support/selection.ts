import { getNamedType, type GraphQLNamedType, isObjectType, isUnionType } from 'graphql';

/** Everything that can be asked of a type, as a selection set. A type inside of itself only tells its name. */
export function selectionOf(type: GraphQLNamedType, outer: readonly GraphQLNamedType[] = []): string {
  if (outer.includes(type)) return '{ __typename }';
  const inner = [...outer, type];
  if (isUnionType(type)) {
    const members = type.getTypes().map((member) => `... on ${member.name} ${selectionOf(member, inner)}`);
    return `{ __typename ${members.join(' ')} }`;
  }
  if (!isObjectType(type)) return '';
  const fields = Object.values(type.getFields()).map(
    (field) => `${field.name} ${selectionOf(getNamedType(field.type), inner)}`,
  );
  return `{ ${fields.join(' ')} }`;
}
