import type { Type } from '@nestjs/common';
import { ArgsType, Field, Int, ObjectType } from '@nestjs/graphql';
import { IsInt, IsOptional, IsString } from 'class-validator';
import type { Page } from '../page.js';

@ObjectType({ description: 'Where a page stands in its list. Source: Relay, Cursor Connections.' })
export class PageInfo {
  @Field({ description: 'Whether the list goes on after this page.' })
  hasNextPage!: boolean;

  @Field({ description: 'Whether the list has something before this page.' })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: 'Cursor of the first edge; null when there is none.' })
  startCursor!: string | null;

  @Field(() => String, { nullable: true, description: 'Cursor of the last edge; null when there is none.' })
  endCursor!: string | null;
}

/** A page of a list as Relay wants it. */
export interface Connection<T> {
  edges: { cursor: string; node: T }[];
  pageInfo: PageInfo;
}

/** Base of a connection class: `@ObjectType() class AppConnection extends connectionType('App', AppType) {}`. */
export function connectionType<T>(name: string, node: Type<T>): Type<Connection<T>> {
  @ObjectType(`${name}Edge`, { description: `A place in a list: a ${name} and where it stands.` })
  class Edge {
    @Field({ description: 'Pass it as `after` or `before` to go on from here.' })
    cursor!: string;

    @Field(() => node, { description: `The ${name} itself.` })
    node!: T;
  }

  @ObjectType({ isAbstract: true })
  class ConnectionBase implements Connection<T> {
    @Field(() => [Edge], { description: 'What is on the page, in the order of the list.' })
    edges!: Edge[];

    @Field(() => PageInfo, { description: 'Whether and from where the list goes on.' })
    pageInfo!: PageInfo;
  }
  return ConnectionBase;
}

export function toConnection<T>(page: Page<T>): Connection<T> {
  return {
    edges: page.items,
    pageInfo: {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: page.hasPreviousPage,
      startCursor: page.items[0]?.cursor ?? null,
      endCursor: page.items.at(-1)?.cursor ?? null,
    },
  };
}

/** Arguments of a list that is read forward. */
@ArgsType()
export class PageArgs {
  @Field(() => Int, { nullable: true, defaultValue: 25, description: 'How many, 1 to 100.' })
  @IsOptional()
  @IsInt()
  first?: number | null;

  @Field(() => String, { nullable: true, description: 'Go on after this cursor.' })
  @IsOptional()
  @IsString()
  after?: string | null;
}

/** Arguments of a list that is read either way. */
@ArgsType()
export class BothWaysPageArgs {
  @Field(() => Int, { nullable: true, description: 'The first so many, 1 to 100; 25 when nothing is given.' })
  @IsOptional()
  @IsInt()
  first?: number | null;

  @Field(() => String, { nullable: true, description: 'Go on after this cursor.' })
  @IsOptional()
  @IsString()
  after?: string | null;

  @Field(() => Int, { nullable: true, description: 'The last so many, 1 to 100.' })
  @IsOptional()
  @IsInt()
  last?: number | null;

  @Field(() => String, { nullable: true, description: 'Go back before this cursor.' })
  @IsOptional()
  @IsString()
  before?: string | null;
}
