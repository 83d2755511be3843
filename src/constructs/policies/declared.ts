import { DefaultTokenResolver, StringConcat, Tokenization } from "cdktf";
import { isObject } from "../../core/is-object.ts";
import { toConfig } from "../../core/names.ts";
import { unescapeTemplates } from "../../core/references.ts";
import { syncAttributes } from "../../core/sync.ts";
import type { Sync } from "../sync.ts";

/**
 * A sync as it will be synthesized, overrides and all, in our names. Nothing is checked yet: an attribute may be missing,
 * wrong, or an expression that only Terraform can resolve. So a policy asks for what it allows.
 */
export interface Declared {
  readonly name: string;
  readonly mode: unknown;
  readonly onDestroy: unknown;
  readonly connection: unknown;
  readonly object: unknown;
  readonly matchOn: readonly unknown[];
  /** Each field's mapping. */
  readonly fields: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly guards: Readonly<Record<string, unknown>>;
}

export function declaredBy(sync: Sync): Declared {
  const resolver = new DefaultTokenResolver(new StringConcat());
  const resolved: unknown = Tokenization.resolve(sync.toTerraform(), { scope: sync, preparing: false, resolver });
  const attributes = block(block(block(block(resolved).resource).ebb_sync)[sync.friendlyUniqueId]);
  const given = block(unescapeTemplates(toConfig(syncAttributes, attributes)).value);
  const destination = block(given.destination);
  const key = Array.isArray(given.key) ? given.key : [];
  return {
    name: typeof given.name === "string" ? given.name : sync.node.id,
    mode: given.mode,
    onDestroy: attributes.on_destroy,
    connection: destination.connection,
    object: destination.object,
    matchOn: Array.isArray(destination.matchOn) ? destination.matchOn : key,
    fields: Object.fromEntries(Object.entries(block(given.fields)).map(([field, mapping]) => [field, block(mapping)])),
    guards: block(given.guards),
  };
}

function block(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}
