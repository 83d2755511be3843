import type * as z from "zod";
import { isSecret, type Sandbox, type System } from "../connector/index.ts";
import { toJson } from "./json.ts";
import type { Style } from "./style.ts";

/** A running sandbox: its address, and what to paste into a shell and into the stack. */
export function renderSandbox(system: System, sandbox: Sandbox, style: Style): string {
  const secrets = secretsOf(system, sandbox);
  const plain = Object.entries(sandbox.credentials).filter(([name]) => !secrets.some((one) => one.option === name));
  return [
    `${style("bold", system.title)} at ${sandbox.url}`,
    "",
    ...secrets.map(({ variable, value }) => `  export ${variable}=${value}`),
    "",
    `  new ${system.title}(stack, ${JSON.stringify(system.name)}, {`,
    `    baseUrl: ${JSON.stringify(sandbox.url)},`,
    ...plain.map(([name, value]) => `    ${name}: ${JSON.stringify(value)},`),
    ...secrets.map(({ option, variable }) => `    ${option}: env(${JSON.stringify(variable)}),`),
    "  });",
    "",
  ].join("\n");
}

export function sandboxJson(system: System, sandbox: Sandbox): string {
  const exports = Object.fromEntries(secretsOf(system, sandbox).map(({ variable, value }) => [variable, value]));
  return toJson({ system: system.name, url: sandbox.url, credentials: sandbox.credentials, exports });
}

function secretsOf(system: System, { credentials }: Sandbox) {
  return Object.entries(credentials).flatMap(([option, value]) => {
    const schema = system.connection.shape[option] as z.ZodType | undefined;
    if (!schema || !isSecret(schema)) return [];
    const variable = `${system.name}_${option.replace(/[A-Z]/g, (letter) => `_${letter}`)}`.toUpperCase();
    return [{ option, variable, value }];
  });
}
