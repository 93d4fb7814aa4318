import { Field, ObjectType } from '@nestjs/graphql';
import type { Agent as AgentContent } from '../../content/app-message.js';
import { AgentType } from './app-message.input.js';

@ObjectType({ description: 'Who spoke for the business.' })
export class Agent {
  @Field(() => String, { nullable: true, description: 'Name to show.' })
  displayName!: string | null;

  @Field(() => AgentType, { description: 'Person or bot.' })
  type!: AgentType;

  @Field(() => String, { nullable: true, description: 'Picture to show.' })
  pictureUrl!: string | null;
}

export function agentOf(agent: AgentContent | undefined): Agent | null {
  if (!agent) return null;
  return {
    displayName: agent.display_name ?? null,
    type: agent.type as AgentType,
    pictureUrl: agent.picture_url ?? null,
  };
}
