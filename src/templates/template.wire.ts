import type { Plain } from '../api/rest.js';
import { wireTime } from '../wire/row.js';
import { camelNames, wireNames } from '../wire/names.js';
import { sameLanguage } from './language.js';
import { LATEST, newest } from './render.js';
import type { Template, TemplateTranslation } from './template.entity.js';

/** What a translation says stands beside its other members. Source: Conversation API, V2Template. */
const MESSAGES = [
  'text_message',
  'card_message',
  'carousel_message',
  'choice_message',
  'location_message',
  'media_message',
  'template_message',
  'list_message',
  'contact_info_message',
];

/** A template as it was written. */
export function templateWire(template: Template): Record<string, unknown> {
  return {
    id: template.id,
    description: template.description,
    version: template.version,
    default_translation: template.defaultTranslation,
    translations: template.translations.map(translationWire),
    create_time: wireTime(template.createdAt),
    update_time: wireTime(template.updatedAt),
  };
}

/** As it is read: the newest translation of each language is there once more, as `latest`. */
export function readTemplateWire(template: Template): Record<string, unknown> {
  const languages: string[] = [];
  for (const { languageCode } of template.translations) {
    if (!languages.some((known) => sameLanguage(known, languageCode))) languages.push(languageCode);
  }
  const latest = languages.flatMap(
    (language) =>
      newest(template.translations.filter(({ languageCode }) => sameLanguage(languageCode, language))) ?? [],
  );
  return {
    ...templateWire(template),
    translations: [
      ...template.translations.map(translationWire),
      ...latest.map((translation) => ({ ...translationWire(translation), version: LATEST })),
    ],
  };
}

export function translationWire(translation: TemplateTranslation): Record<string, unknown> {
  return {
    language_code: translation.languageCode,
    version: translation.version,
    ...translation.message,
    variables: translation.variables.map(({ key, previewValue }) => ({ key, preview_value: previewValue })),
    channel_template_overrides: translation.channelTemplateOverrides,
    create_time: wireTime(translation.createdAt),
    update_time: wireTime(translation.updatedAt),
  };
}

/** The body of a template with our own names; what it says keeps its own, as it is stored with them. */
export function templateInput(body: unknown): Plain {
  const { translations, ...rest } = (body ?? {}) as Plain;
  if (!Array.isArray(translations))
    return { ...(camelNames(rest) as Plain), ...(translations == null ? {} : { translations }) };
  const given = translations.map((translation) => wireNames(translation));
  return { ...(camelNames(rest) as Plain), translations: withoutDoubles(given).map(translationInput) };
}

/** What was read is written back with its `latest` ones, which are no versions of their own. */
function withoutDoubles(translations: unknown[]): unknown[] {
  const plain = translations as (Plain | null)[];
  return plain.filter((one) => {
    if (one?.version !== LATEST) return true;
    return !plain.some(
      (other) => other && other.version !== LATEST && other.language_code === one.language_code,
    );
  });
}

function translationInput(translation: unknown): unknown {
  if (typeof translation !== 'object' || translation === null) return translation;
  const members = Object.entries(translation as Plain).filter(([, value]) => value !== null);
  const isMessage = ([name]: [string, unknown]): boolean => MESSAGES.includes(name);
  const others: Plain = Object.fromEntries(members.filter((member) => !isMessage(member)));
  const { channel_template_overrides, version, ...rest } = others;
  return {
    ...(camelNames(rest) as Plain),
    ...(version === undefined || version === LATEST ? {} : { version }),
    ...(channel_template_overrides === undefined
      ? {}
      : { channelTemplateOverrides: channel_template_overrides }),
    message: Object.fromEntries(members.filter(isMessage)),
  };
}
