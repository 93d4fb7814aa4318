import {
  type DocumentNode,
  getOperationAST,
  GraphQLError,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import type { Config } from '../config.js';
import { DomainError } from '../errors.js';
import { PresentableError } from './error.graphql.js';
import { explain } from './explain.js';
import { MAX_TOKENS, overLimits } from './graphql-limits.js';
import type { KnownOperations } from './graphql-operations.js';

/** An operation that may run. */
export interface PreparedOperation {
  document: DocumentNode;
  operationName: string | null | undefined;
  variableValues: Record<string, unknown> | null | undefined;
}

/** What Apollo does for a request over HTTP, for one over a socket: reads it, checks it, and holds it to the limits. */
export function prepareOperation(
  schema: GraphQLSchema,
  { query: given, extensions, operationName, variables }: SubscribePayload,
  operations: KnownOperations,
  config: Pick<Config, 'GRAPHQL_EXPLORER' | 'production'>,
): PreparedOperation | GraphQLError[] {
  try {
    const query = operations.textOf(given, extensions);
    operations.assertAllowed(query);
    const document = parsed(query);
    const rules = config.GRAPHQL_EXPLORER
      ? specifiedRules
      : [...specifiedRules, NoSchemaIntrospectionCustomRule];
    const faults = validate(schema, document, rules, { hideSuggestions: config.production });
    if (faults.length > 0) return faults.map(ofRequest);
    if (!getOperationAST(document, operationName)) {
      const message = 'the operation to run cannot be identified; name it by operationName';
      return [new PresentableError(explain(new DomainError('INVALID_ARGUMENT', message)))];
    }
    const refusal = overLimits(schema, document, operationName, variables);
    return refusal ? [refusal] : { document, operationName, variableValues: variables };
  } catch (error) {
    if (error instanceof GraphQLError) return [ofRequest(error)];
    if (error instanceof DomainError) return [new PresentableError(explain(error))];
    throw error;
  }
}

/** @throws GraphQLError when it is no document. */
function parsed(query: string): DocumentNode {
  try {
    return parse(query, { maxTokens: MAX_TOKENS });
  } catch (error) {
    // Thousands of brackets exhaust the stack of the parser.
    if (error instanceof RangeError)
      throw new GraphQLError('Syntax Error: the document is nested too deeply');
    throw error;
  }
}

/** Marks an error as the client's: not each of GraphQL's own tells by its shape. */
function ofRequest(error: GraphQLError): GraphQLError {
  error.extensions.code ??= 'BAD_REQUEST';
  return error;
}
