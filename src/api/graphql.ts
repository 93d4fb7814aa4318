import type { ApolloServerPlugin } from '@apollo/server';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import type { Request } from 'express';
import type { GraphQLError } from 'graphql';
import type { Config } from '../config.js';
import { PresentableError, presentError } from './error.graphql.js';
import { explain } from './explain.js';
import { type GraphqlContext, httpContext } from './graphql-context.js';
import { MAX_TOKENS, overLimits } from './graphql-limits.js';
import type { KnownOperations } from './graphql-operations.js';
import { describeRoots } from './root-types.js';
import { DateTime } from './scalars.js';

export const GRAPHQL_PATH = '/graphql';

function protection(operations: KnownOperations): ApolloServerPlugin<GraphqlContext> {
  return {
    requestDidStart: async () => ({
      didResolveOperation: async ({ schema, source, document, request }) => {
        try {
          operations.assertAllowed(source);
        } catch (thrown) {
          throw withStatus(new PresentableError(explain(thrown)), 403);
        }
        const refusal = overLimits(schema, document, request.operationName, request.variables);
        if (refusal) throw withStatus(refusal, 400);
      },
    }),
  };
}

function withStatus(error: GraphQLError, status: number): GraphQLError {
  error.extensions.http = { status };
  return error;
}

/** GraphQL over HTTP. Subscriptions have a server of their own, `GraphqlSocket`. */
export function graphqlOptions(config: Config, operations: KnownOperations): ApolloDriverConfig {
  return {
    driver: ApolloDriver,
    path: GRAPHQL_PATH,
    autoSchemaFile: true,
    sortSchema: true,
    transformSchema: describeRoots,
    buildSchemaOptions: { scalarsMap: [{ type: Date, scalar: DateTime }] },
    context: ({ req }: { req: Request }): GraphqlContext => httpContext(req),
    formatError: (_formatted, error) => presentError(error),
    autoTransformHttpErrors: false,
    fieldResolverEnhancers: ['filters'],
    plugins: [protection(operations)],
    parseOptions: { maxTokens: MAX_TOKENS },
    maxRecursiveSelections: true,
    introspection: config.GRAPHQL_EXPLORER,
    // The one of Nest loads its files from another host.
    graphiql: false,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    persistedQueries: operations.persistedQueries,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: config.production,
  };
}
