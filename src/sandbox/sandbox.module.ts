import { Module } from '@nestjs/common';
import { Attachments } from './attachments.js';
import { Calls } from './calls.js';
import { Conversations } from './conversations.js';
import { Faults } from './faults.js';
import { GraphController } from './graph.rest.js';
import { Graph } from './graph.service.js';
import { Messenger } from './messenger.js';
import { Pages } from './pages.js';
import { PagesController } from './pages.rest.js';
import { Personas } from './personas.js';
import { PeopleController } from './people.rest.js';
import { Phone } from './phone.js';
import { Send } from './send.js';
import { SwitchesController } from './switches.rest.js';
import { Threads } from './threads.js';
import { Usage } from './usage.js';
import { Webhooks } from './webhooks.js';

/**
 * A stand-in for Meta's Graph API and the Messenger app, on `/sandbox`, for development and tests.
 * It knows Meta's rules by itself and imports nothing else of ours: a mistake in `messenger/` must not be repeated here.
 */
@Module({
  // The Graph API takes every path that is left, so it comes last.
  controllers: [PeopleController, PagesController, SwitchesController, GraphController],
  providers: [
    Attachments,
    Calls,
    Conversations,
    Faults,
    Graph,
    Messenger,
    Pages,
    Personas,
    Phone,
    Send,
    Threads,
    Usage,
    Webhooks,
  ],
})
export class SandboxModule {}
