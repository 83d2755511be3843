/**
 * `snowflake-sdk`, loaded when it is first used and made quiet. By itself it writes `snowflake.log` where the process
 * runs and to stdout, asks the clouds' metadata addresses at its import, loads a native library, sends telemetry, and
 * evaluates JSON it cannot parse as code.
 * @module
 */
import { env } from "node:process";
import { guardChunks } from "./sdk-chunks.ts";

type Sdk = typeof import("snowflake-sdk");

/** The driver reads these and has no options for them. */
const switches = {
  SNOWFLAKE_DISABLE_PLATFORM_DETECTION: "true",
  SNOWFLAKE_DISABLE_MINICORE: "true",
  SF_TELEMETRY_DISABLE_CONNECTION_SHAPE: "true",
  // Of the AWS SDK inside, which warns on stderr that a later Node will be wanted.
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
} as const;

let loading: Promise<Sdk> | undefined;

/** Loads the driver once. */
export function loadSdk(): Promise<Sdk> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Sdk> {
  for (const [name, value] of Object.entries(switches)) env[name] ??= value;
  const { default: sdk } = (await import("snowflake-sdk")) as unknown as { default: Sdk };
  await guardChunks();
  const silent = () => undefined;
  sdk.configure({
    logLevel: "ERROR",
    customLogger: { error: silent, warn: silent, info: silent, debug: silent, trace: silent },
    jsonColumnVariantParser: (text) => text,
    xmlColumnVariantParser: (text) => text,
  });
  return sdk;
}
