/** `ebb terraform`. @module */
import { chmod, copyFile, mkdir, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import { providerAddress } from "../core/provider-address.ts";
import type { Run } from "./command.ts";
import { Exit } from "./exit.ts";
import { packageRoot, packageVersion } from "./package.ts";
import { quoted } from "./plan-view.ts";
import type { Shell } from "./shell.ts";

export function define(command: Command, run: Run): void {
  command
    .description("Uses Ebb as a Terraform provider.")
    .addHelpText("after", "\nExample:\n  ebb terraform install infra && cd infra && terraform init");
  command
    .command("install")
    .description("put the provider where `terraform init` finds it, without any configuration of Terraform")
    .argument("[dir]", "the folder Terraform runs in", ".")
    .addHelpText("after", "\nExample:\n  ebb terraform install cdktf.out/stacks/crm")
    .action((directory: string) => run((shell) => install(shell, directory)));
}

async function install(shell: Shell, given: string): Promise<number> {
  const directory = resolve(given);
  if (!(await stat(directory).catch(() => null))?.isDirectory())
    throw new ConfigError("USAGE", `${directory} is not a folder`, { next: "Name the folder that Terraform runs in." });
  const plugins = join(directory, "terraform.d");
  const version = packageVersion();
  const provider = join(plugins, "plugins", providerAddress, version, platform(), `terraform-provider-ebb_v${version}`);
  await mkdir(join(provider, ".."), { recursive: true });
  await copyFile(join(packageRoot(), "bin", "terraform-provider-ebb"), provider);
  await chmod(provider, 0o755);
  await writeFile(join(plugins, "ebb-provider.sh"), place());

  const next = [...(given === "." ? [] : [`cd ${quoted(given)}`]), "terraform init"];
  if (shell.json)
    shell.print(
      JSON.stringify({ provider, source: providerAddress.replace("registry.terraform.io/", ""), version, next }),
    );
  else
    shell.print(
      [
        `Installed ${provider}`,
        `  terraform.d holds paths of this machine: keep it out of the repository, and install in CI too.`,
        "",
        "Next",
        ...next.map((line) => `  ${line}`),
      ].join("\n"),
    );
  return Exit.done;
}

/** Terraform's name of this machine's kind. */
function platform(): string {
  const { platform, arch } = process;
  if (platform === "win32")
    throw new ConfigError("USAGE", "the provider cannot be installed on Windows yet", {
      next: "Use WSL, or `ebb plan` and `ebb apply`, which run on Windows.",
    });
  const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
  return `${platform}_${architectures[arch] ?? arch}`;
}

/** Where Node.js and Ebb are, for the shell script that Terraform starts. */
function place(): string {
  const text = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;
  return [
    `EBB_NODE=${text(process.execPath)}`,
    `EBB_PROVIDER=${text(join(packageRoot(), "bin", "terraform-provider-ebb.js"))}`,
    "",
  ].join("\n");
}
