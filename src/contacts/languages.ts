/** Languages of a contact. Source: Conversation API, contact languages. */
export const CONTACT_LANGUAGES = [
  'UNSPECIFIED',
  ...[
    'AF',
    'SQ',
    'AR',
    'AZ',
    'BN',
    'BG',
    'CA',
    'ZH',
    'ZH_CN',
    'ZH_HK',
    'ZH_TW',
    'HR',
    'CS',
    'DA',
    'NL',
    'EN',
  ],
  ...['EN_GB', 'EN_US', 'ET', 'FIL', 'FI', 'FR', 'DE', 'EL', 'GU', 'HA', 'HE', 'HI', 'HU', 'ID', 'GA', 'IT'],
  ...['JA', 'KN', 'KK', 'KO', 'LO', 'LV', 'LT', 'MK', 'MS', 'ML', 'MR', 'NB', 'FA', 'PL', 'PT', 'PT_BR'],
  ...['PT_PT', 'PA', 'RO', 'RU', 'SR', 'SK', 'SL', 'ES', 'ES_AR', 'ES_ES', 'ES_MX', 'SW', 'SV', 'TA', 'TE'],
  ...['TH', 'TR', 'UK', 'UR', 'UZ', 'VI', 'ZU'],
];

const KNOWN = new Set(CONTACT_LANGUAGES);

/** Codes that channels use for a language that the Conversation API calls otherwise. */
const ALIASES: Readonly<Record<string, string>> = { TL: 'FIL', NO: 'NB', NN: 'NB', IW: 'HE', IN: 'ID' };

/** The language of a locale such as `pt_BR` or `en-US`: with its region where that is known, UNSPECIFIED for none of ours. */
export function languageOf(locale: string): string {
  const [code = '', region = ''] = locale.toUpperCase().split(/[_-]/);
  const language = ALIASES[code] ?? code;
  return [`${language}_${region}`, language].find((name) => KNOWN.has(name)) ?? 'UNSPECIFIED';
}
