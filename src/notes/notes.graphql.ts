import {
  Args,
  ArgsType,
  Context,
  Field,
  ID,
  Mutation,
  ObjectType,
  Parent,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { IsNotEmpty, IsString, Matches, MaxLength } from 'class-validator';
import DataLoader from 'dataloader';
import { agentIdOf, type Caller } from '../access/caller.js';
import { BothWaysPageArgs, type Connection, connectionType, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import { OpenTo } from '../api/open-to.js';
import { DateTime } from '../api/scalars.js';
import { ConversationType } from '../conversations/conversations.graphql.js';
import { ConversationsService } from '../conversations/conversations.service.js';
import type { Page } from '../page.js';
import type { Note } from './note.js';
import { NotesService } from './notes.service.js';

const MAX_TEXT = 4096;

@ObjectType('Note', {
  description: 'What an agent wrote for the others about a conversation. It never leaves the inbox.',
})
export class NoteType {
  @Field(() => ID, { description: 'Unique in the project; sorts by time.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The agentId of the inbox token that wrote it; null for an access key.',
  })
  author!: string | null;

  @Field({ description: 'What it says; empty once it was deleted.' })
  text!: string;

  @Field(() => DateTime, { description: 'When it was written.' })
  createdAt!: Date;

  @Field(() => DateTime, { nullable: true, description: 'When it was last changed; null when it never was.' })
  editedAt!: Date | null;
}

@ObjectType({ description: 'A page of notes.' })
export class NoteConnection extends connectionType('Note', NoteType) {}

@ArgsType()
class NoteTextArgs {
  @Field({ description: 'What it says: 1 to 4,096 characters.' })
  @IsString()
  @Matches(/\S/, { message: 'text must not be empty' })
  @MaxLength(MAX_TEXT)
  text!: string;
}

@ArgsType()
class AddNoteArgs extends NoteTextArgs {
  @Field(() => ID, { description: 'The conversation that it is about.' })
  @IsString()
  @IsNotEmpty()
  conversationId!: string;
}

@ArgsType()
class UpdateNoteArgs extends NoteTextArgs {
  @Field(() => ID, { description: 'The note.' })
  @IsString()
  @IsNotEmpty()
  id!: string;
}

@Resolver(() => ConversationType)
export class NotesResolver {
  constructor(
    private readonly notes: NotesService,
    private readonly conversations: ConversationsService,
  ) {}

  @Mutation(() => NoteType, { description: 'Writes a note about a conversation, for agents only.' })
  @OpenTo('AGENT')
  async addNote(
    @CurrentCaller() caller: Caller,
    @Args() { conversationId, text }: AddNoteArgs,
  ): Promise<Note> {
    if (caller.inbox) await this.conversations.getReached(caller, conversationId);
    return this.notes.add(caller.projectId, conversationId, agentIdOf(caller), text);
  }

  @Mutation(() => NoteType, {
    description: 'Rewrites a note. FORBIDDEN unless its author asks, or an access key.',
  })
  @OpenTo('AGENT')
  async updateNote(@CurrentCaller() caller: Caller, @Args() { id, text }: UpdateNoteArgs): Promise<Note> {
    await this.assertReached(caller, id);
    return this.notes.update(caller.projectId, id, agentIdOf(caller), text);
  }

  @Mutation(() => Boolean, {
    description:
      'Removes a note, its text from earlier events too. FORBIDDEN unless its author asks, or an access key.',
  })
  @OpenTo('AGENT')
  async deleteNote(
    @CurrentCaller() caller: Caller,
    @Args('id', { type: () => ID, description: 'The note.' }) id: string,
  ): Promise<boolean> {
    await this.assertReached(caller, id);
    await this.notes.delete(caller.projectId, id, agentIdOf(caller));
    return true;
  }

  @ResolveField('notes', () => NoteConnection, { description: "The agents' notes, oldest first." })
  async list(
    @Parent() conversation: ConversationType,
    @CurrentCaller() { projectId }: Caller,
    @Context() context: GraphqlContext,
    @Args() page: BothWaysPageArgs,
  ): Promise<Connection<Note>> {
    const { first, after, last, before } = page;
    const loader = loaderOf(
      context,
      `notes ${JSON.stringify([first, after, last, before])}`,
      () => new DataLoader<string, Page<Note>>((ids) => this.notes.listByConversations(projectId, ids, page)),
    );
    return toConnection(await loader.load(conversation.id));
  }

  /** A note of a conversation out of reach is not there. */
  private async assertReached(caller: Caller, id: string): Promise<void> {
    if (!caller.inbox) return;
    const { conversationId } = await this.notes.get(caller.projectId, id);
    await this.conversations.getReached(caller, conversationId);
  }
}
