import { All, Controller } from '@nestjs/common';
import { DomainError } from '../errors.js';
import { PROJECT_V1 } from './rest.js';

/** What the Conversation API has, or had, and Parley does not: it says so, rather than that the path is unknown. */
@Controller(PROJECT_V1)
export class UnimplementedController {
  @All(['templates', 'templates/:template_id'])
  templatesV1(): never {
    throw unimplemented('templates are those of version 2: /v2/projects/{project_id}/templates');
  }

  @All(['optins\\:register', 'optouts\\:register'])
  registrations(): never {
    throw unimplemented(
      'Messenger has no registration of opt-ins and opt-outs: people give and take them themselves',
    );
  }
}

function unimplemented(message: string): DomainError {
  return new DomainError('UNIMPLEMENTED', message);
}
