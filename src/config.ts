import { plainToInstance, Transform } from 'class-transformer';
import {
  ArrayMinSize,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  Min,
  ValidateIf,
  validateSync,
} from 'class-validator';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export type Role = 'api' | 'worker';

const KEY_PATTERN = /^[A-Za-z0-9+/]{43}=$/;
const flag = ({ value }: { value: unknown }): unknown =>
  value === '1' || value === 'true' ? true : value === '0' || value === 'false' ? false : value;
const list = ({ value }: { value: unknown }): unknown =>
  typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value;
const integer = ({ value }: { value: unknown }): unknown =>
  typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
const anySet = (...settings: (string | undefined)[]): boolean =>
  settings.some((setting) => setting !== undefined);
const URL_RULE = { require_tld: false, require_protocol: true, protocols: ['http', 'https'] };

/** Every setting, from the environment, checked once at start. Nothing else reads `process.env`. */
export class Config {
  @IsIn(['development', 'production', 'test'])
  NODE_ENV: string = 'development';

  @Transform(integer)
  @IsInt()
  @Min(0)
  @Max(65535)
  PORT: number = 3000;

  @IsString()
  HOST!: string;

  @Transform(integer)
  @IsInt()
  @Min(0)
  @Max(65535)
  GRPC_PORT: number = 50051;

  @ValidateIf((config: Config) => config.production || config.DATABASE_URL !== undefined)
  @Matches(/^postgres(ql)?:\/\//, {
    message: 'DATABASE_URL must be a postgres:// URL (required in production)',
  })
  DATABASE_URL?: string;

  @IsString()
  PARLEY_DATA_DIR: string = '.data';

  @IsOptional()
  @Matches(/^rediss?:\/\//, { message: 'REDIS_URL must be a redis:// or rediss:// URL' })
  REDIS_URL?: string;

  @IsOptional()
  @IsUrl(URL_RULE)
  PUBLIC_URL?: string;

  @Transform(list)
  @ArrayMinSize(1)
  @IsIn(['api', 'worker'], { each: true })
  PARLEY_ROLES: Role[] = ['api', 'worker'];

  /** Key encryption keys, newest first: the first encrypts, each decrypts. 32 bytes each, base64. */
  @Transform(list)
  @ArrayMinSize(1, {
    message: 'PARLEY_ENCRYPTION_KEY is required in production: 32 bytes, base64 (openssl rand -base64 32)',
  })
  @Matches(KEY_PATTERN, {
    each: true,
    message:
      'PARLEY_ENCRYPTION_KEY must be 32 bytes in base64 (openssl rand -base64 32); several are separated by commas',
  })
  PARLEY_ENCRYPTION_KEY: string[] = [];

  @ValidateIf((config: Config) => config.bootstraps)
  @Matches(/^[A-Za-z0-9_-]{1,64}$/, {
    message:
      'PARLEY_BOOTSTRAP_PROJECT_ID must be 1 to 64 letters, digits, dashes or underscores, and goes with PARLEY_BOOTSTRAP_KEY_ID and PARLEY_BOOTSTRAP_KEY_SECRET',
  })
  PARLEY_BOOTSTRAP_PROJECT_ID?: string;

  @ValidateIf((config: Config) => config.bootstraps)
  @Matches(/^[A-Za-z0-9_.-]{1,64}$/, {
    message:
      'PARLEY_BOOTSTRAP_KEY_ID must be 1 to 64 letters, digits, dots, dashes or underscores, and goes with PARLEY_BOOTSTRAP_PROJECT_ID and PARLEY_BOOTSTRAP_KEY_SECRET',
  })
  PARLEY_BOOTSTRAP_KEY_ID?: string;

  @ValidateIf((config: Config) => config.bootstraps)
  @Matches(/^[\x21-\x7e]{8,256}$/, {
    message:
      'PARLEY_BOOTSTRAP_KEY_SECRET must be 8 to 256 visible ASCII characters, and goes with PARLEY_BOOTSTRAP_PROJECT_ID and PARLEY_BOOTSTRAP_KEY_ID',
  })
  PARLEY_BOOTSTRAP_KEY_SECRET?: string;

  /** Base of the Graph API; unset in development it is the sandbox, whose port is known once the service listens. */
  @IsOptional()
  @IsUrl(URL_RULE)
  GRAPH_API_URL?: string;

  @Matches(/^v\d+\.\d+$/, { message: 'GRAPH_API_VERSION must look like v26.0' })
  GRAPH_API_VERSION: string = 'v26.0';

  @IsOptional()
  @Matches(/^[\x21-\x7e]{1,256}$/, {
    message: 'MESSENGER_VERIFY_TOKEN must be 1 to 256 visible ASCII characters',
  })
  MESSENGER_VERIFY_TOKEN?: string;

  @Transform(flag)
  @IsBoolean()
  PARLEY_SANDBOX!: boolean;

  @Transform(flag)
  @IsBoolean()
  PARLEY_ALLOW_PRIVATE_TARGETS!: boolean;

  /** Whether GraphiQL is served and the schema may be asked for. */
  @Transform(flag)
  @IsBoolean()
  GRAPHQL_EXPLORER!: boolean;

  /** File of the operations that clients may name by their ids. */
  @ValidateIf((config: Config) => config.GRAPHQL_OPERATIONS_ONLY || config.GRAPHQL_OPERATIONS !== undefined)
  @IsString({ message: 'GRAPHQL_OPERATIONS must be set when GRAPHQL_OPERATIONS_ONLY is' })
  GRAPHQL_OPERATIONS?: string;

  /** Whether no other operation runs. */
  @Transform(flag)
  @IsBoolean()
  GRAPHQL_OPERATIONS_ONLY: boolean = false;

  @ValidateIf((config: Config) => anySet(config.GRPC_TLS_KEY, config.GRPC_TLS_CLIENT_CA))
  @IsString({ message: 'GRPC_TLS_CERT must be set when GRPC_TLS_KEY or GRPC_TLS_CLIENT_CA is' })
  GRPC_TLS_CERT?: string;

  @ValidateIf((config: Config) => config.GRPC_TLS_CERT !== undefined)
  @IsString({ message: 'GRPC_TLS_KEY must be set when GRPC_TLS_CERT is' })
  GRPC_TLS_KEY?: string;

  /** When set, clients must show a certificate that one of these has signed. */
  @IsOptional()
  @IsString()
  GRPC_TLS_CLIENT_CA?: string;

  /** Largest request, and largest of a stream. */
  @Transform(integer)
  @IsInt()
  @Min(64 * 1024)
  @Max(64 * 1024 ** 2)
  GRPC_MAX_MESSAGE_BYTES: number = 4 * 1024 ** 2;

  /** A WebSocket client that has not read for so long is dropped. */
  @Transform(integer)
  @IsInt()
  @Min(1)
  @Max(3600)
  GRAPHQL_SLOW_CONSUMER_SECONDS: number = 30;

  /** A client of StreamEvents that has not read for so long is dropped. */
  @Transform(integer)
  @IsInt()
  @Min(1)
  @Max(3600)
  GRPC_SLOW_CONSUMER_SECONDS: number = 30;

  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  LOG_LEVEL: string = 'info';

  /** Days that events stay readable; webhooks retry for four days, so less would lose deliveries. */
  @Transform(integer)
  @IsInt()
  @Min(7)
  @Max(3650)
  EVENT_RETENTION_DAYS: number = 30;

  /** How long the channel's echo may take to tell whether a call whose answer was lost was taken, before it is tried again. */
  @Transform(integer)
  @IsInt()
  @Min(1)
  @Max(600)
  ECHO_GRACE_SECONDS: number = 10;

  /** Connections of this process to Postgres, the worker's included. */
  @Transform(integer)
  @IsInt()
  @Min(4)
  @Max(500)
  DATABASE_POOL_SIZE: number = 20;

  /** Bytes of one media; what is larger keeps the channel's own link. S3 takes up to 5 GiB in one call. */
  @Transform(integer)
  @IsInt()
  @Min(1024)
  @Max(5 * 1024 ** 3)
  MEDIA_MAX_BYTES: number = 100 * 1024 ** 2;

  /** Media are kept here instead of in PARLEY_DATA_DIR. */
  @ValidateIf((config: Config) => config.usesS3)
  @Matches(/^[a-zA-Z0-9][a-zA-Z0-9._-]{1,253}[a-zA-Z0-9]$/, {
    message: 'MEDIA_S3_BUCKET must be the name of a bucket, and goes with the other MEDIA_S3 settings',
  })
  MEDIA_S3_BUCKET?: string;

  /** Unset: Amazon's own of the region. */
  @IsOptional()
  @IsUrl(URL_RULE)
  MEDIA_S3_ENDPOINT?: string;

  @Matches(/^[a-z0-9-]{1,64}$/, { message: 'MEDIA_S3_REGION must look like eu-central-1' })
  MEDIA_S3_REGION: string = 'us-east-1';

  /** Both or none: without keys those of the machine are used, as Amazon's SDK finds them. */
  @ValidateIf((config: Config) => config.hasS3Keys)
  @IsString({ message: 'MEDIA_S3_ACCESS_KEY_ID must be set when MEDIA_S3_SECRET_ACCESS_KEY is' })
  MEDIA_S3_ACCESS_KEY_ID?: string;

  @ValidateIf((config: Config) => config.hasS3Keys)
  @IsString({ message: 'MEDIA_S3_SECRET_ACCESS_KEY must be set when MEDIA_S3_ACCESS_KEY_ID is' })
  MEDIA_S3_SECRET_ACCESS_KEY?: string;

  /** Whether the bucket is part of the path rather than of the host name, as most but Amazon want it. */
  @Transform(flag)
  @IsBoolean()
  MEDIA_S3_PATH_STYLE: boolean = false;

  get production(): boolean {
    return this.NODE_ENV === 'production';
  }

  private get bootstraps(): boolean {
    return anySet(
      this.PARLEY_BOOTSTRAP_PROJECT_ID,
      this.PARLEY_BOOTSTRAP_KEY_ID,
      this.PARLEY_BOOTSTRAP_KEY_SECRET,
    );
  }

  private get usesS3(): boolean {
    return this.hasS3Keys || anySet(this.MEDIA_S3_BUCKET, this.MEDIA_S3_ENDPOINT);
  }

  private get hasS3Keys(): boolean {
    return anySet(this.MEDIA_S3_ACCESS_KEY_ID, this.MEDIA_S3_SECRET_ACCESS_KEY);
  }

  runs(role: Role): boolean {
    return this.PARLEY_ROLES.includes(role);
  }
}

/** @throws Error that lists every fault of the settings, each with its name. */
export function loadConfig(env: Record<string, string | undefined> = process.env): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const production = given.NODE_ENV === 'production';
  const known: Record<string, unknown> = {
    HOST: production ? '0.0.0.0' : '127.0.0.1',
    PARLEY_SANDBOX: production ? '0' : '1',
    GRAPHQL_EXPLORER: production ? '0' : '1',
    PARLEY_ALLOW_PRIVATE_TARGETS: production ? '0' : '1',
    ...given,
  };
  const config = plainToInstance(Config, known, { exposeDefaultValues: true });
  config.PARLEY_DATA_DIR = resolve(config.PARLEY_DATA_DIR);
  if (!production && config.PARLEY_ENCRYPTION_KEY.length === 0)
    config.PARLEY_ENCRYPTION_KEY = [developmentKey(config.PARLEY_DATA_DIR)];
  if (production && !config.PARLEY_SANDBOX) config.GRAPH_API_URL ??= 'https://graph.facebook.com';
  const faults = validateSync(config).flatMap((error) => Object.values(error.constraints ?? {}));
  if (faults.length > 0)
    throw new Error(
      `Parley cannot start, its settings are wrong:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
  return config;
}

/** A key of this checkout's own, so that secrets stored in development survive a restart. */
function developmentKey(dataDir: string): string {
  const file = join(dataDir, 'encryption-key');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  mkdirSync(dataDir, { recursive: true });
  const key = randomBytes(32).toString('base64');
  writeFileSync(file, `${key}\n`, { mode: 0o600, flag: 'wx' });
  return key;
}
