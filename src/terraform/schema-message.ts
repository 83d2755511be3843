import { functions } from "./functions.ts";
import type { Message } from "./protobuf.ts";
import type { Attribute, BlockSchema } from "./schema.ts";

const nestings = { single: 1, list: 2, map: 4 } as const;

/** A schema as it goes over the wire. */
export function schemaMessage({ version, block }: BlockSchema): Message<"Schema"> {
  return { version, block: { attributes: attributeMessages(block.attributes), description: block.description } };
}

function attributeMessages(attributes: Readonly<Record<string, Attribute>>): Message<"SchemaAttribute">[] {
  return Object.entries(attributes).map(([name, attribute]) => {
    const { type, nested_type: nested, description, required, optional, computed, sensitive } = attribute;
    return {
      name,
      ...(type === undefined ? {} : { type: Buffer.from(JSON.stringify(type)) }),
      ...(nested && {
        nested: { attributes: attributeMessages(nested.attributes), nesting: nestings[nested.nesting_mode] },
      }),
      ...(description === undefined ? {} : { description }),
      ...(required && { required }),
      ...(optional && { optional }),
      ...(computed && { computed }),
      ...(sensitive && { sensitive }),
    };
  });
}

/** Every function, as it goes over the wire. */
export function functionMessages(): Readonly<Record<string, Message<"Function">>> {
  const type = (of: unknown) => Buffer.from(JSON.stringify(of));
  return Object.fromEntries(
    Object.entries(functions).map(([name, { summary, description, return_type, parameters }]) => [
      name,
      {
        summary,
        description,
        return: { type: type(return_type) },
        parameters: parameters.map((one) => ({ ...one, type: type(one.type) })),
      },
    ]),
  );
}
