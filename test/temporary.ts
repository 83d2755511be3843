/** What the tests, and the processes they kill, leave in the temporary folder goes when the last test has ended. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export default function temporary(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "ebb-tests-"));
  // PostgreSQL runs as a user of its own where this one is root.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
