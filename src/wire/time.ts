/** RFC 3339, as the JSON of the protos has it. */
const TIME = /^(\d{4}-\d\d-\d\d)[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** A time of the wire, to be checked by IsDate: of what is none it makes an invalid date, and nothing stays nothing. */
export function timeOf(value: unknown): unknown {
  if (value === undefined || value === null) return value;
  const [text, day] = (typeof value === 'string' && TIME.exec(value)) || [];
  return text !== undefined && day !== undefined && isDay(day) ? new Date(text) : new Date(NaN);
}

/** The same of a query, where a plus that was not escaped has become a space. */
export function queryTimeOf(value: unknown): unknown {
  return timeOf(typeof value === 'string' ? value.replace(/ (?=\d\d:\d\d$)/, '+') : value);
}

/** JavaScript reads the 31st of February as a day in March. */
function isDay(text: string): boolean {
  const day = new Date(text);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
