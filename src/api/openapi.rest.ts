import { Controller, Get, type Type } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { PublicUrl } from '../public-url.js';
import { openApiDocument } from './openapi.js';
import type { Schema } from './openapi.schemas.js';
import { Public } from './public.js';

/** The OpenAPI document of the service as it runs. */
@Public()
@Controller('openapi.json')
export class OpenApiController {
  private document: Schema | undefined;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly publicUrl: PublicUrl,
  ) {}

  @Get()
  read(): Schema {
    this.document ??= openApiDocument(
      this.discovery.getControllers().flatMap(({ metatype }) => (metatype ? [metatype as Type<object>] : [])),
      this.publicUrl.base(),
    );
    return this.document;
  }
}
