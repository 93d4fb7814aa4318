import { SecretBox } from '../secrets.js';

/** Whose data a link opens, and until when. */
export interface ExportLink {
  projectId: string;
  contactId: string;
  expiresAt: Date;
}

/** What else was encrypted with our key is no token of an export. */
const PURPOSE = 'contact-export';

/** A token that nobody else can make. It says all that is needed, so that none are stored. */
export function tokenOf(secrets: SecretBox, { projectId, contactId, expiresAt }: ExportLink): string {
  return secrets.encrypt(JSON.stringify([PURPOSE, projectId, contactId, expiresAt.getTime()]));
}

/** Whether a token opens a contact's data now. */
export function opens(secrets: SecretBox, token: string, projectId: string, contactId: string): boolean {
  const said = contentOf(secrets, token);
  if (!Array.isArray(said)) return false;
  const [purpose, project, contact, until] = said as unknown[];
  return (
    purpose === PURPOSE &&
    project === projectId &&
    contact === contactId &&
    typeof until === 'number' &&
    Date.now() < until
  );
}

function contentOf(secrets: SecretBox, token: string): unknown {
  try {
    return JSON.parse(secrets.decrypt(token));
  } catch {
    return null;
  }
}
