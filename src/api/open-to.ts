import { SetMetadata } from '@nestjs/common';
import type { InboxRole } from '../access/caller.js';

export const OPEN_TO = 'parley:open-to';

/**
 * Opens a handler to inbox tokens of this role and above (VIEWER, then AGENT); without it only access keys may call. The handler
 * has to see to it that the token reaches the app that it is about (`assertReaches`).
 */
export const OpenTo = (role: InboxRole) => SetMetadata(OPEN_TO, role);
