import type { ApolloDriverConfig } from '@nestjs/apollo';
import { ApolloDriver } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE, DiscoveryModule } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { AccessModule } from '../access/access.module.js';
import { Config } from '../config.js';
import { AccessGuard } from './access.guard.js';
import { ErrorFilter } from './error.filter.js';
import { graphqlOptions } from './graphql.js';
import { KnownOperations } from './graphql-operations.js';
import { GraphqlSocket } from './graphql-socket.js';
import { InputPipe } from './input.pipe.js';
import { UnimplementedController } from './unimplemented.rest.js';
import { OAuthController } from './oauth.rest.js';
import { OpenApiController } from './openapi.rest.js';

@Module({ providers: [KnownOperations], exports: [KnownOperations] })
class OperationsModule {}

/** Pipe, guard and filter once for every face; GraphQL's server over both transports. */
@Module({
  imports: [
    AccessModule,
    DiscoveryModule,
    OperationsModule,
    GraphQLModule.forRootAsync<ApolloDriverConfig>({
      driver: ApolloDriver,
      imports: [OperationsModule],
      inject: [Config, KnownOperations],
      useFactory: graphqlOptions,
    }),
  ],
  controllers: [OAuthController, OpenApiController, UnimplementedController],
  providers: [
    { provide: APP_PIPE, useClass: InputPipe },
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_FILTER, useClass: ErrorFilter },
    GraphqlSocket,
  ],
})
export class ApiModule {}
