import { Controller, Get, Logger, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DataSource } from 'typeorm';
import { AccessService } from '../access/access.service.js';
import { assertAccessKey } from '../access/caller.js';
import { Public } from '../api/public.js';
import { PROJECT_V1 } from '../api/rest.js';
import { Contact } from '../contacts/contact.entity.js';
import { DomainError, notFound } from '../errors.js';
import { MediaService } from '../media/media.service.js';
import { SecretBox } from '../secrets.js';
import { exportOf } from './export.js';
import { opens } from './export-link.js';

/** A reader who takes nothing for so long is let go. */
const IDLE_MS = 120_000;

/** All that is kept of a person, as one JSON file: for an access key, or for who has a link that `exportContact` made. */
@Public()
@Controller(PROJECT_V1)
export class ContactExportController {
  private readonly logger = new Logger(ContactExportController.name);

  constructor(
    private readonly dataSource: DataSource,
    private readonly access: AccessService,
    private readonly media: MediaService,
    private readonly secrets: SecretBox,
  ) {}

  @Get('contacts/:contact_id\\:export')
  async export(
    @Param('project_id') projectId: string,
    @Param('contact_id') id: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await this.assertAllowed(projectId, id, request);
    const contact = await this.dataSource.manager.findOneBy(Contact, { projectId, id });
    if (!contact) throw notFound('Contact', id);
    response.set({
      'content-type': 'application/json; charset=utf-8',
      'content-disposition': `attachment; filename="contact-${contact.id}.json"`,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.setTimeout(IDLE_MS, () => response.destroy());
    const pieces = Readable.from(exportOf(this.dataSource, this.media, contact));
    try {
      await pipeline(pieces, response);
    } catch (error) {
      // Who goes away while reading is no fault of ours. An answer that is cut short shows, for it has no end.
      if (!request.destroyed) this.logger.warn(`the export of contact ${id} broke off: ${String(error)}`);
      response.destroy();
    }
  }

  private async assertAllowed(projectId: string, id: string, request: Request): Promise<void> {
    const { token } = request.query;
    if (typeof token === 'string') {
      if (opens(this.secrets, token, projectId, id)) return;
      throw new DomainError(
        'UNAUTHENTICATED',
        'the link has expired or is not as it was handed out; ask exportContact for a new one',
      );
    }
    const caller = await this.access.authenticate(request.headers.authorization, request.ip ?? '');
    assertAccessKey(caller);
    if (caller.projectId !== projectId)
      throw new DomainError('PERMISSION_DENIED', 'the access key is not of this project');
  }
}
