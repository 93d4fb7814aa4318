/** Tries until `check` gives something other than undefined, null or false, or throws after `timeoutMs`, saying what it last saw. */
export async function eventually<T>(
  check: () => Promise<T> | T,
  what: string,
  timeoutMs = 45_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const until = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await check();
      if (found !== undefined && found !== null && found !== false)
        return found as NonNullable<Exclude<T, false>>;
      last = found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > until)
      throw new Error(`${what} did not happen within ${timeoutMs} ms; last: ${String(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
