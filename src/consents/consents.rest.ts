import { Controller, Get, Param } from '@nestjs/common';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { nextPageToken, pageRequest, PageQuery, PROJECT_V1, WireQuery } from '../api/rest.js';
import { invalid } from '../errors.js';
import { wireTime } from '../wire/row.js';
import { LIST_TYPES } from './change.js';
import { ConsentsService } from './consents.service.js';

/** Source: Conversation API, page sizes. */
const MAX_PAGE = 50;

/** Consents of the Conversation API, as far as channels tell of them. */
@Controller(`${PROJECT_V1}/apps/:app_id/consents`)
export class ConsentsController {
  constructor(private readonly consents: ConsentsService) {}

  @Get(':list_type')
  async list(
    @CurrentCaller() { projectId }: Caller,
    @Param('app_id') appId: string,
    @Param('list_type') given: string,
    @WireQuery(PageQuery) query: PageQuery,
  ): Promise<{ identities: { identity: string }[]; next_page_token: string }> {
    const listType = LIST_TYPES.find((known) => known === given);
    if (!listType) throw invalid('listType', 'isEnum', `listType must be one of ${LIST_TYPES.join(', ')}`);
    const page = await this.consents.list(projectId, appId, listType, pageRequest(query, { max: MAX_PAGE }));
    return {
      identities: page.items.map(({ node: identity }) => ({ identity })),
      next_page_token: nextPageToken(page),
    };
  }

  @Get('identities/:identity')
  async records(
    @CurrentCaller() { projectId }: Caller,
    @Param('app_id') appId: string,
    @Param('identity') identity: string,
  ): Promise<{ identity: { identity: string }; audit_records: object[] }> {
    const records = await this.consents.records(projectId, appId, identity);
    return {
      identity: { identity },
      audit_records: records.map(({ listType, operation, origin, at }) => ({
        origin,
        operation,
        list_type: listType,
        project_id: projectId,
        app_id: appId,
        datetime: wireTime(at),
      })),
    };
  }
}
