import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import {
  type DocumentNode,
  getNamedType,
  getOperationAST,
  GraphQLError,
  type GraphQLSchema,
  isLeafType,
  separateOperations,
  validate,
} from 'graphql';
import { type ComplexityEstimator, createComplexityRule } from 'graphql-query-complexity';
import { DomainError } from '../errors.js';
import { MAX_PAGE_SIZE } from '../page.js';
import { PresentableError } from './error.graphql.js';
import { explain } from './explain.js';

/** Bounds how long a document takes to parse and to check. */
export const MAX_TOKENS = 10_000;
/** Levels of fields; the deepest sensible query of this schema has about ten. */
const MAX_DEPTH = 15;
/** In one operation, a fragment's once however often it is spread. */
const MAX_ALIASES = 100;
/** Objects that an answer may hold at most, by the page sizes asked for. */
const MAX_OBJECTS = 50_000;
/** What a mutation costs, in objects: twenty fit into an operation; `sendMessages` is for more. */
const MUTATION_COST = 2_400;
/** Selections once fragments stand in their places: what is more than the tokens can say is a bomb. */
const MAX_SELECTIONS = 10_000;

type Variables = Readonly<Record<string, unknown>> | null | undefined;

/**
 * Refuses an operation that could be too deep, too repetitive or too large, before it runs; null when it may run. The document
 * has to be valid. Variables that are not are left to the execution, which tells of them all.
 */
export function overLimits(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Variables,
): GraphQLError | null {
  const operation = getOperationAST(document, operationName);
  // What is not going to run costs nothing.
  const alone = operation && separateOperations(document)[operation.name?.value ?? ''];
  if (!alone) return null;
  const [misshapen] = validate(schema, alone, [
    maxDepthRule(instead(`the operation is more than ${MAX_DEPTH} levels deep`, MAX_DEPTH)),
    maxAliasesRule(instead(`the operation has more than ${MAX_ALIASES} aliases`, MAX_ALIASES)),
  ]);
  if (misshapen) return misshapen;
  try {
    const faults = validate(schema, alone, [
      createComplexityRule({
        maximumComplexity: MAX_OBJECTS,
        maxQueryNodes: MAX_SELECTIONS,
        estimators: [objectsOf(schema)],
        variables: { ...variables },
        createError: () =>
          refuse(
            `the operation could cost more than ${MAX_OBJECTS} objects, where a mutation counts as ${MUTATION_COST}; ask for smaller pages (first), fewer nested lists or fewer mutations`,
          ),
      }),
    ]);
    return faults.find((fault) => fault instanceof PresentableError) ?? null;
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return refuse(`the operation selects more than ${MAX_SELECTIONS} fields with those of its fragments`);
  }
}

/** How many objects a field puts into the answer: a page as many as it may have edges. */
function objectsOf(schema: GraphQLSchema): ComplexityEstimator {
  const mutations = schema.getMutationType();
  return ({ type, field, args, childComplexity }) => {
    const answer = getNamedType(field.type);
    // Introspection has limits of GraphQL's own, and is off in production.
    if (field.name.startsWith('__')) return 0;
    if (type === mutations) return MUTATION_COST + childComplexity;
    if (isLeafType(answer)) return 0;
    return 1 + childComplexity * (answer.name.endsWith('Connection') ? pageSizeOf(args) : 1);
  };
}

/** Arguments have their defaults by now. What is out of range is refused later, and must not make the rest free. */
function pageSizeOf({ first, last }: Record<string, unknown>): number {
  const sizes = [first, last].filter((size) => typeof size === 'number');
  return Math.max(1, Math.min(MAX_PAGE_SIZE, sizes.length > 0 ? Math.max(...sizes) : MAX_PAGE_SIZE));
}

/** Options of a rule of GraphQL Armor: its limit, and our error in place of its own. */
function instead(message: string, n: number) {
  return {
    n,
    // A fragment is no level of the answer.
    flattenFragments: true,
    propagateOnRejection: false,
    onReject: [
      (context: { reportError(error: GraphQLError): void } | null) => context?.reportError(refuse(message)),
    ],
  };
}

function refuse(message: string): GraphQLError {
  return new PresentableError(explain(new DomainError('INVALID_ARGUMENT', message)));
}
