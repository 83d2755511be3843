/**
 * Lets Node run TypeScript: `node --import ebb/typescript main.ts`. The same as `--import tsx`, for projects that have
 * tsx only through Ebb.
 */
import module from "node:module";
import "tsx";

module.enableCompileCache?.();
