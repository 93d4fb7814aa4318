import type { DataSource } from 'typeorm';
import { AccessService } from '../../src/access/access.service.js';
import { SigningKeys } from '../../src/access/signing-keys.js';
import { TokensService } from '../../src/access/tokens.service.js';
import { SecretBox } from '../../src/secrets.js';

/** What a process needs to tell who is calling, with caches of its own. */
export function accessTo(dataSource: DataSource, tokens = tokensOf(dataSource)): AccessService {
  return new AccessService(dataSource, tokens);
}

/** @param encryptionKeys as PARLEY_ENCRYPTION_KEY has them. */
export function tokensOf(
  dataSource: DataSource,
  encryptionKeys = [Buffer.alloc(32, 7).toString('base64')],
): TokensService {
  return new TokensService(new SigningKeys(dataSource, new SecretBox(encryptionKeys)));
}
