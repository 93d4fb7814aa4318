import { SetMetadata } from '@nestjs/common';

export const PUBLIC = 'parley:public';

/** Marks a controller or handler that needs no credentials of ours: health, a channel's webhooks. */
export const Public = () => SetMetadata(PUBLIC, true);
