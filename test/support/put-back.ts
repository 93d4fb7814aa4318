// Before each test file: what it put in the place of something goes with it, as the next one runs in the same process.
import { afterAll, vi } from 'vitest';

afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
