import { isDeepStrictEqual } from 'node:util';
import { anyText, check, map, object, optional } from '../content/check.js';
import { templateContentOf, templateReference } from '../content/template-content.js';
import { invalid } from '../errors.js';
import { sameLanguage } from './language.js';
import { placeholdersIn } from './placeholders.js';
import type { ChannelTemplateOverride, TemplateTranslation } from './template.entity.js';
import type { TemplateTranslationInput } from './templates.input.js';

const MAX_SIZE = 256 * 1024;
const MAX_MAPPINGS = 100;

/** Source: Conversation API, channel_template_overrides. */
const overrides = map(
  /^(WHATSAPP|KAKAOTALK)$/,
  object<ChannelTemplateOverride>({
    template_reference: optional(templateReference),
    parameter_mappings: optional(map(/^[^\p{Cc}\p{Cs}]{1,255}$/u, anyText(255), MAX_MAPPINGS)),
  }),
  2,
);

/**
 * The translations as they are stored, checked. One that was there before keeps its time of creation, and its time of update
 * when it says the same.
 * @param version of the template, which is also that of translations that have none.
 * @throws DomainError INVALID_ARGUMENT
 */
export function translationsOf(
  inputs: readonly TemplateTranslationInput[],
  stored: readonly TemplateTranslation[],
  version: number,
  now: Date,
): TemplateTranslation[] {
  const translations: TemplateTranslation[] = [];
  for (const [index, input] of inputs.entries()) {
    const path = `translations[${index}]`;
    const translation = translationOf(input, path, String(version), now);
    if (counterpart(translations, translation)) {
      const { languageCode, version: twice } = translation;
      throw invalid(path, 'unique', `${path} is the second ${languageCode} version ${twice}`);
    }
    translations.push(withTimes(translation, counterpart(stored, translation)));
  }
  if (JSON.stringify(translations).length > MAX_SIZE) {
    throw invalid('translations', 'maxSize', `translations must be at most ${MAX_SIZE / 1024} KiB together`);
  }
  return translations;
}

/** @throws DomainError INVALID_ARGUMENT when no translation is in the default language. */
export function assertDefault(language: string, translations: readonly TemplateTranslation[]): void {
  if (translations.some(({ languageCode }) => sameLanguage(languageCode, language))) return;
  throw invalid(
    'defaultTranslation',
    'exists',
    `defaultTranslation must be the language of a translation, but none is in ${language}`,
  );
}

function translationOf(
  input: TemplateTranslationInput,
  path: string,
  version: string,
  now: Date,
): TemplateTranslation {
  const message = templateContentOf(input.message, `${path}.message`, true);
  const channelTemplateOverrides = check(
    overrides,
    input.channelTemplateOverrides ?? {},
    `${path}.channelTemplateOverrides`,
    { placeholders: false },
  );
  const declared = new Set((input.variables ?? []).map(({ key }) => key));
  const mapped = Object.values(channelTemplateOverrides).flatMap((override) =>
    Object.values(override.parameter_mappings ?? {}),
  );
  assertDeclared(`${path}.message`, placeholdersIn(message), declared);
  assertDeclared(`${path}.channelTemplateOverrides`, mapped, declared);
  return {
    languageCode: input.languageCode,
    version: input.version ?? version,
    message,
    variables: (input.variables ?? []).map(({ key, previewValue }) => ({
      key,
      previewValue: previewValue ?? '',
    })),
    channelTemplateOverrides,
    createdAt: now.toISOString(),
    updatedAt: now.toISOString(),
  };
}

function assertDeclared(path: string, keys: readonly string[], declared: ReadonlySet<string>): void {
  const unknown = keys.filter((key) => !declared.has(key));
  if (unknown.length === 0) return;
  throw invalid(
    path,
    'declared',
    `${path} uses what is not among its variables: ${unknown.map((key) => `\${${key}}`).join(', ')}`,
  );
}

/** The same language and version. */
function counterpart(
  translations: readonly TemplateTranslation[],
  { languageCode, version }: TemplateTranslation,
): TemplateTranslation | undefined {
  return translations.find(
    (other) => other.version === version && sameLanguage(other.languageCode, languageCode),
  );
}

function withTimes(
  translation: TemplateTranslation,
  before: TemplateTranslation | undefined,
): TemplateTranslation {
  if (!before) return translation;
  const { createdAt, updatedAt } = before;
  const same = isDeepStrictEqual({ ...translation, createdAt, updatedAt }, before);
  return { ...translation, createdAt, ...(same ? { updatedAt } : {}) };
}
