import { ConfigError } from "../core/errors.ts";
import type { Forge, ForgeWorld } from "./forge.ts";

/**
 * The forge whose job this is.
 *
 * @throws ConfigError FORGE_UNKNOWN outside of GitHub Actions and GitLab CI
 */
export async function openForge(world: ForgeWorld): Promise<Forge> {
  if (world.env.GITHUB_ACTIONS === "true") return (await import("./github.ts")).openGitHub(world);
  if (world.env.GITLAB_CI === "true") return (await import("./gitlab.ts")).openGitLab(world);
  throw new ConfigError("FORGE_UNKNOWN", "this is no job of GitHub Actions or GitLab CI");
}
