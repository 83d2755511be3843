import { existsSync } from "node:fs";
import { delimiter, join, sep } from "node:path";

/**
 * How a person starts Ebb here, so that a command that is shown works when it is pasted. A project's own
 * `node_modules/.bin` is on the path only while npm runs something.
 */
export function invocation(path = process.env.PATH ?? ""): string {
  const folders = path.split(delimiter).filter((folder) => folder !== "" && !folder.endsWith(`node_modules${sep}.bin`));
  return folders.some((folder) => existsSync(join(folder, "ebb"))) ? "ebb" : "npx ebb";
}
