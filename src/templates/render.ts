import type { TemplateReference } from '../content/app-message.js';
import { type TemplateContent, templateContentOf } from '../content/template-content.js';
import { DomainError } from '../errors.js';
import { sameLanguage } from './language.js';
import { fillIn } from './placeholders.js';
import { TemplateError } from './template-error.js';
import type { Template, TemplateTranslation } from './template.entity.js';

export const LATEST = 'latest';

/** Of all parameters of a message together; a placeholder can occur often. */
const MAX_FILLED_IN = 200_000;

export type Renderable = Pick<Template, 'id' | 'defaultTranslation' | 'translations'>;

/** Numbers in a version count as numbers: 2 is before 10. */
const versions = new Intl.Collator('en', { numeric: true });

/**
 * What the template says in the language and version that are asked for, filled in and checked.
 * @throws TemplateError
 */
export function render(template: Renderable, reference: TemplateReference): TemplateContent {
  const translation = chosen(template, reference);
  const place = `template ${template.id}, ${translation.languageCode} version ${translation.version}`;
  const parameters = new Map(Object.entries(reference.parameters ?? {}));
  const missing = translation.variables.filter(({ key }) => !parameters.has(key));
  if (missing.length > 0) {
    const names = missing.map(({ key }) => key).join(', ');
    throw new TemplateError('TEMPLATE_INSUFFICIENT_PARAMETERS', `${place}: parameters are missing: ${names}`);
  }
  try {
    return templateContentOf(fillIn(translation.message, parameters, MAX_FILLED_IN), 'message', false);
  } catch (error) {
    if (!(error instanceof DomainError || error instanceof RangeError)) throw error;
    throw new TemplateError('BAD_REQUEST', `${place}: ${error.message}`);
  }
}

/** The newest version among translations of one language. */
export function newest(translations: readonly TemplateTranslation[]): TemplateTranslation | undefined {
  return translations.toSorted((one, other) => versions.compare(one.version, other.version)).at(-1);
}

function chosen(template: Renderable, reference: TemplateReference): TemplateTranslation {
  const language = reference.language_code || template.defaultTranslation;
  const version = reference.version || LATEST;
  const spoken = template.translations.filter(({ languageCode }) => sameLanguage(languageCode, language));
  const translation =
    version === LATEST ? newest(spoken) : spoken.find((candidate) => candidate.version === version);
  if (translation) return translation;
  const has = template.translations.map((one) => `${one.languageCode} version ${one.version}`).join(', ');
  throw new TemplateError(
    'TEMPLATE_NON_EXISTING_LANGUAGE_OR_VERSION',
    `template ${template.id} has no ${language} version ${version}; it has ${has}`,
  );
}
