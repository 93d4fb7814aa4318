import { Args, Field, Mutation, ObjectType, Resolver } from '@nestjs/graphql';
import type { Caller } from '../access/caller.js';
import { type IssuedToken, TokensService } from '../access/tokens.service.js';
import { CurrentCaller } from '../api/current-caller.js';
import { notFound } from '../errors.js';
import { AppsService } from './apps.service.js';
import { CreateInboxTokenInput } from './inbox-tokens.input.js';

@ObjectType('InboxToken', {
  description:
    'A token for a browser: sent as "Authorization: Bearer <token>", or as authorization in the connection_init of a socket.',
})
export class InboxTokenType {
  @Field({ description: 'The token, a JWT. It is shown this once.' })
  token!: string;

  @Field({
    description:
      'When it stops working, and what subscribes by it ends. Revoking the access key ends it before.',
  })
  expiresAt!: Date;
}

@Resolver()
export class InboxTokensResolver {
  constructor(
    private readonly apps: AppsService,
    private readonly tokens: TokensService,
  ) {}

  @Mutation(() => InboxTokenType, {
    description:
      'Makes a token for the browser of an agent, which opens the inboxes of some apps and nothing else. Takes an access key: ask for it on your server.',
  })
  async createInboxToken(
    @CurrentCaller() caller: Caller,
    @Args('input', { description: 'For whom it is, and what it opens.' }) input: CreateInboxTokenInput,
  ): Promise<IssuedToken> {
    const { appIds, agentId, role, ttlSeconds } = input;
    const apps = await this.apps.appsById(caller.projectId, appIds);
    const missing = appIds.find((_id, index) => !apps[index]);
    if (missing !== undefined) throw notFound('App', missing);
    return this.tokens.issueInboxToken(caller, { appIds, agentId, role }, ttlSeconds);
  }
}
