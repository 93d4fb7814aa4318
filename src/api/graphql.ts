import type { ApolloServerPlugin } from '@apollo/server';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import type { Request } from 'express';
import type { Config } from '../config.js';
import { presentError } from './error.graphql.js';
import { type GraphqlContext, httpContext } from './graphql-context.js';
import { MAX_TOKENS, overLimits } from './graphql-limits.js';
import { DateTime } from './scalars.js';

export const GRAPHQL_PATH = '/graphql';

const limits: ApolloServerPlugin<GraphqlContext> = {
  requestDidStart: async () => ({
    didResolveOperation: async ({ document, request }) => {
      const refusal = overLimits(document, request.operationName, request.variables);
      if (refusal) {
        refusal.extensions.http = { status: 400 };
        throw refusal;
      }
    },
  }),
};

/** GraphQL over HTTP. Subscriptions have a server of their own, `GraphqlSocket`. */
export function graphqlOptions(config: Config): ApolloDriverConfig {
  return {
    driver: ApolloDriver,
    path: GRAPHQL_PATH,
    autoSchemaFile: true,
    sortSchema: true,
    buildSchemaOptions: { scalarsMap: [{ type: Date, scalar: DateTime }] },
    context: ({ req }: { req: Request }): GraphqlContext => httpContext(req),
    formatError: (_formatted, error) => presentError(error),
    autoTransformHttpErrors: false,
    fieldResolverEnhancers: ['filters'],
    plugins: [limits],
    parseOptions: { maxTokens: MAX_TOKENS },
    maxRecursiveSelections: true,
    introspection: !config.production,
    graphiql: !config.production,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: config.production,
  };
}
