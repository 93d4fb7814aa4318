import { Controller, Get, Logger, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { pipeline } from 'node:stream/promises';
import { AccessService } from '../access/access.service.js';
import { Public } from '../api/public.js';
import { DomainError, notFound } from '../errors.js';
import { isId } from '../ids.js';
import { sameText } from '../secrets.js';
import { dispositionOf } from './file-name.js';
import { signatureIn } from './link.js';
import { MediaService, type StoredMedia } from './media.service.js';
import { isShown } from './media-type.js';
import type { ByteRange } from './storage.js';

/** A reader who takes nothing for so long is let go; a player that was paused asks for the rest. */
const IDLE_MS = 120_000;

/**
 * Serves media. A link as it was handed out (with its `s`) is enough: browsers' pictures and customers' servers have no access key.
 * Without it, or with a wrong one, it takes an access key of the project, or an inbox token of the app. What people sent never runs here: no scripts, no guessed types.
 */
@Public()
@Controller('media')
export class MediaController {
  private readonly logger = new Logger(MediaController.name);

  constructor(
    private readonly access: AccessService,
    private readonly media: MediaService,
  ) {}

  @Get(':id/:name')
  async read(
    @Param('id') id: string,
    @Param('name') name: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const media = await this.allowed(id, request);
    if (media?.name !== name) throw notFound('Media', id);
    response.set({
      'content-type': media.contentType,
      'content-disposition': dispositionOf(isShown(media.contentType) ? 'inline' : 'attachment', media.name),
      'content-security-policy': "default-src 'none'; sandbox",
      // The inbox that shows it may well be another site.
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      'cache-control': 'private, max-age=31536000, immutable',
      etag: `"${media.sha256}"`,
    });
    if (request.fresh) response.status(304).end();
    else await this.send(media, request, response);
  }

  private async send(media: StoredMedia, request: Request, response: Response): Promise<void> {
    const range = rangeOf(media, request);
    if (range === 'unsatisfiable') {
      response.status(416).set('content-range', `bytes */${media.size}`).removeHeader('content-type');
      response.end();
      return;
    }
    if (range) {
      response.status(206).set('content-range', `bytes ${range.start}-${range.end}/${media.size}`);
    }
    response.set('content-length', String(range ? range.end - range.start + 1 : media.size));
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    const bytes = await this.media.open(media, range);
    if (!bytes) {
      this.logger.error(`media ${media.id} is missing in the storage`);
      for (const header of response.getHeaderNames()) response.removeHeader(header);
      throw notFound('Media', media.id);
    }
    response.setTimeout(IDLE_MS, () => response.destroy());
    // Who goes away while reading is no fault of ours; a storage that breaks off cuts the answer short, which its length shows.
    await pipeline(bytes, response).catch(() => response.destroy());
  }

  /** Null when the caller may not know whether there is one. */
  private async allowed(id: string, request: Request): Promise<StoredMedia | null> {
    const signature = signatureIn(request.query.s);
    const signed = signature && isId(id) ? await this.media.stored(signature.projectId, id) : null;
    if (signed && signature && sameText(signature.secret, signed.secret)) return signed;
    if (request.headers.authorization === undefined)
      throw new DomainError(
        'UNAUTHENTICATED',
        'the link is not as it was handed out (with its "s"), and credentials are missing; send "Authorization: Basic base64(keyId:keySecret)" or "Authorization: Bearer <token>"',
      );
    const { projectId, inbox } = await this.access.authenticate(
      request.headers.authorization,
      request.ip ?? '',
    );
    return isId(id) ? this.media.stored(projectId, id, inbox?.appIds) : null;
  }
}

/** Null for all of it: also when several ranges are asked for, or a part of what it no longer is. */
function rangeOf(media: StoredMedia, request: Request): ByteRange | null | 'unsatisfiable' {
  const condition = request.get('if-range');
  if (condition !== undefined && condition !== `"${media.sha256}"`) return null;
  const ranges = request.range(media.size);
  if (ranges === -1) return 'unsatisfiable';
  if (ranges === undefined || ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return null;
  return ranges[0] ?? null;
}
