/** BCP 47 as far as its form goes; `en-US` and `en_US` are the same. */
export const LANGUAGE_CODE = /^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,7}$/;

export function sameLanguage(one: string, other: string): boolean {
  return normal(one) === normal(other);
}

function normal(code: string): string {
  return code.replaceAll('_', '-').toLowerCase();
}
