/** How nudges travel between processes. A nudge names an app and says nothing else; one may be lost, so nobody relies on it alone. */
export interface Nudges {
  /** @param heard called with the text of each nudge, and with null after a gap in which nudges may have been missed. */
  listen(heard: (app: string | null) => void): Promise<void>;
  /** Tells every process, this one too. */
  announce(apps: string[]): Promise<void>;
  close(): Promise<void>;
}
