import { invalid, type DomainError } from '../../errors.js';

/**
 * A message that Messenger cannot show.
 * @param field in snake_case, as notes name it; errors name it in camelCase and each face in its own spelling.
 */
export function refused(field: string, rule: string, message: string): DomainError {
  const path = field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return invalid(path, rule, message);
}
