/** Suites for connectors made elsewhere: what `ebb/testing` exports. @module */
export { checksFor, testDestination } from "./destination.ts";
export type { DestinationFixture, Forced, Kind, Waiver } from "./fixture.ts";
export { preciousValues } from "./fixture.ts";
export type { SourceFixture } from "./source.ts";
export { testSource } from "./source.ts";
