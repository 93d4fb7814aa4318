import { Controller, Header, HttpCode, Post, Req } from '@nestjs/common';
import type { Request } from 'express';
import { AccessService } from '../access/access.service.js';
import type { Caller } from '../access/caller.js';
import { TokenBucket } from '../access/token-bucket.js';
import { ACCESS_TOKEN_SECONDS, TokensService } from '../access/tokens.service.js';
import { DomainError } from '../errors.js';
import { TOKEN_PATH } from './error.oauth.js';
import { Public } from './public.js';

const FORM = 'application/x-www-form-urlencoded';
/** Tokens that one key may ask for. Source: Conversation API, authentication, token exchange. */
const BURST = 30;
const PER_SECOND = 10;

/** Source: RFC 6749, section 5.1, with the vendor's four members. */
interface TokenAnswer {
  access_token: string;
  /** Seconds; a moment less than its life, which began before the answer was read. */
  expires_in: number;
  scope: '';
  token_type: 'bearer';
}

/** Exchanges an access key for a token (client credentials grant). Its errors are those of OAuth 2.0, see `error.oauth.ts`. */
@Public()
@Controller(TOKEN_PATH)
export class OAuthController {
  private readonly rate = new TokenBucket(BURST, PER_SECOND);

  constructor(
    private readonly access: AccessService,
    private readonly tokens: TokensService,
  ) {}

  @Post()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @Header('Pragma', 'no-cache')
  async token(@Req() request: Request): Promise<TokenAnswer> {
    const form = formOf(request);
    const caller = await this.client(request, form);
    const grant = form.get('grant_type');
    if (grant === undefined) throw invalidRequest('grant_type is missing; it must be client_credentials');
    if (grant !== 'client_credentials')
      throw invalidRequest('grant_type must be client_credentials', 'unsupported_grant_type');
    if (!this.rate.take(caller.keyId))
      throw new DomainError(
        'RESOURCE_EXHAUSTED',
        'too many tokens were asked for; keep one until it expires, it lasts an hour',
      );
    const { token } = await this.tokens.issueAccessToken(caller);
    return {
      access_token: token,
      expires_in: ACCESS_TOKEN_SECONDS - 1,
      scope: '',
      token_type: 'bearer',
    };
  }

  /** The access key, from a Basic header or from the form. */
  private async client(request: Request, form: Map<string, string>): Promise<Caller> {
    const [id, secret] = [form.get('client_id'), form.get('client_secret')];
    const { authorization } = request.headers;
    const address = request.ip ?? '';
    if (authorization === undefined) {
      if (id === undefined || secret === undefined)
        throw new DomainError(
          'UNAUTHENTICATED',
          'the access key is missing; send it as Basic credentials, or as client_id and client_secret in the form',
        );
      return this.access.byKey(Buffer.from(`${id}:${secret}`).toString('base64'), address);
    }
    if (secret !== undefined)
      throw invalidRequest('send the access key in the Authorization header or in the form, not in both');
    // A token gets no other token: it would outlive itself for ever.
    if (!/^basic /i.test(authorization))
      throw new DomainError('UNAUTHENTICATED', 'the Authorization header must be Basic, with the access key');
    const caller = await this.access.authenticate(authorization, address);
    if (id !== undefined && id !== caller.keyId)
      throw invalidRequest('client_id is another than in the Authorization header');
    return caller;
  }
}

function formOf(request: Request): Map<string, string> {
  if (!request.is(FORM)) throw invalidRequest(`the body must be a form (${FORM})`);
  const form = new Map<string, string>();
  for (const [name, value] of Object.entries((request.body ?? {}) as Record<string, unknown>)) {
    if (typeof value !== 'string') throw invalidRequest(`${name} is there more than once`);
    // RFC 6749, section 3.2: what is sent without a value is as if it were not sent.
    if (value !== '') form.set(name, value);
  }
  return form;
}

function invalidRequest(message: string, kind?: string): DomainError {
  return new DomainError('INVALID_ARGUMENT', message, [], kind);
}
