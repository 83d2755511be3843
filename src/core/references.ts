import { isObject } from "./is-object.ts";

export type Path = readonly (string | number)[];

/** A Terraform expression found where a plain value is needed. */
export interface Reference {
  readonly path: Path;
  /** The expression where it is only a name; undefined where it might hold something private. */
  readonly expression: string | undefined;
}

const marker = /\$\$\{|%%\{|\$\{|%\{/g;
const traversal = /^\$\{(?:ebb_sync|var|local|data|ephemeral|module|each|count|path|terraform)\.[\w.-]+\}$/;

/**
 * Reads the strings of a Terraform JSON value as Terraform does: `$${` and `%%{` become `${` and `%{`. Whatever has to
 * be evaluated is only reported, because this side evaluates nothing.
 */
export function unescapeTemplates(value: unknown, path: Path = []): { value: unknown; references: Reference[] } {
  const references: Reference[] = [];
  const text = (item: string, at: Path): string => {
    let found = false;
    const plain = item.replace(marker, (token) => {
      if (token.length === 3) return token.slice(1);
      found = true;
      return token;
    });
    if (found) references.push({ path: at, expression: traversal.test(item) ? item : undefined });
    return plain;
  };
  const walk = (item: unknown, at: Path): unknown => {
    if (typeof item === "string") return text(item, at);
    if (Array.isArray(item)) return item.map((inner, i) => walk(inner, [...at, i]));
    if (!isObject(item)) return item;
    return Object.fromEntries(
      Object.entries(item).map(([key, inner]) => [text(key, [...at, key]), walk(inner, [...at, key])]),
    );
  };
  return { value: walk(value, path), references };
}

/**
 * Text that Terraform reads back as it is.
 *
 * @example escapeTemplates("${name}") // "$${name}"
 */
export function escapeTemplates(value: string): string {
  // A cdktf token is not text: cdktf replaces it when it synthesizes.
  return value.replace(/\$\{(?!TfToken\[)|%\{/g, (token) => `${token[0]}${token}`);
}
