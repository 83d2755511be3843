import { createMask } from "../../report/sanitise.ts";
import { readValue, writeValue } from "../dynamic-value.ts";
import type { Rpc } from "../service.ts";

/** Terraform has held the arguments against their types, and calls only with known ones. */
export const callFunction: Rpc<"CallFunctionRequest", "CallFunctionResponse"> = async ({ name, arguments: given }) => {
  const [value, salt] = (given ?? []).map(readValue);
  if (name !== "mask") return { error: { text: `there is no function ${name}` } };
  return { result: writeValue(createMask(String(salt))(String(value))) };
};
