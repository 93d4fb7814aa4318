import { Metadata } from '@grpc/grpc-js';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { GqlContextType } from '@nestjs/graphql';
import type { Request } from 'express';
import { AccessService } from '../access/access.service.js';
import type { Caller, InboxRole } from '../access/caller.js';
import { DomainError } from '../errors.js';
import type { GraphqlContext } from './graphql-context.js';
import { OPEN_TO } from './open-to.js';
import { PUBLIC } from './public.js';

/** Where a face keeps who is calling, for as long as the call lasts. */
export interface Carrier {
  caller?: Caller;
}

interface Presented {
  carrier: Carrier;
  authorization: string | undefined;
  address: string;
}

interface GrpcCall {
  metadata: Metadata;
  getPeer(): string;
}

/**
 * Asks every call of every face who is calling. Anything not marked `@Public()` needs credentials, and those of an access key unless
 * marked `@OpenTo()`.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly access: AccessService,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const handlers = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC, handlers)) return true;
    const http = context.getType<GqlContextType>() === 'http';
    const request = http ? context.switchToHttp().getRequest<Request>() : null;
    if (request && isSandbox(request.path)) return true;
    const { carrier, authorization, address } = presented(context);
    carrier.caller = await this.access.authenticate(authorization, address);
    assertOpenTo(this.reflector.getAllAndOverride<InboxRole | undefined>(OPEN_TO, handlers), carrier.caller);
    const project = request?.params.project_id;
    if (project !== undefined && project !== carrier.caller.projectId) {
      throw new DomainError('PERMISSION_DENIED', 'the access key is not of this project');
    }
    return true;
  }
}

export function carrierOf(context: ExecutionContext): Carrier {
  return presented(context).carrier;
}

function assertOpenTo(role: InboxRole | undefined, { inbox }: Caller): void {
  if (!inbox || role === 'VIEWER' || role === inbox.role) return;
  const needed = role ? `an inbox token of role ${role}, or an access key` : 'an access key';
  throw new DomainError('PERMISSION_DENIED', `the inbox token does not open this; it takes ${needed}`);
}

function presented(context: ExecutionContext): Presented {
  switch (context.getType<GqlContextType>()) {
    case 'graphql': {
      const carrier = context.getArgByIndex<GraphqlContext>(2);
      return { carrier, authorization: carrier.authorization, address: carrier.address };
    }
    case 'rpc': {
      // Handlers get data, metadata and call; a handler of a whole stream gets the call alone.
      const args = context.getArgs<unknown[]>();
      const call = (args[1] instanceof Metadata ? args[2] : args[0]) as GrpcCall;
      const [authorization] = call.metadata.get('authorization');
      return {
        carrier: call.metadata as Metadata & Carrier,
        authorization: authorization?.toString(),
        address: hostOf(call.getPeer()),
      };
    }
    case 'http':
    case 'ws': {
      const carrier = context.switchToHttp().getRequest<Request & Carrier>();
      return { carrier, authorization: carrier.headers.authorization, address: carrier.ip ?? '' };
    }
  }
}

/** `127.0.0.1:4711` or `[::1]:4711` without its port. */
export function hostOf(peer: string): string {
  const colon = peer.lastIndexOf(':');
  return colon < 0 ? peer : peer.slice(0, colon);
}

function isSandbox(path: string): boolean {
  return path === '/sandbox' || path.startsWith('/sandbox/');
}
