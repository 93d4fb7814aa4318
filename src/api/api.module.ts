import type { ApolloDriverConfig } from '@nestjs/apollo';
import { ApolloDriver } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { AccessModule } from '../access/access.module.js';
import { Config } from '../config.js';
import { AccessGuard } from './access.guard.js';
import { ErrorFilter } from './error.filter.js';
import { graphqlOptions } from './graphql.js';
import { GraphqlSocket } from './graphql-socket.js';
import { InputPipe } from './input.pipe.js';

/** Pipe, guard and filter once for every face; GraphQL's server over both transports. */
@Module({
  imports: [
    AccessModule,
    GraphQLModule.forRootAsync<ApolloDriverConfig>({
      driver: ApolloDriver,
      inject: [Config],
      useFactory: graphqlOptions,
    }),
  ],
  providers: [
    { provide: APP_PIPE, useClass: InputPipe },
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_FILTER, useClass: ErrorFilter },
    GraphqlSocket,
  ],
})
export class ApiModule {}
