/** What a session of the engine knows about who is connected, and asks before it works. @module */

export interface Grant {
  readonly privilege: string;
  readonly on: string;
  readonly name: string;
}

export interface SessionContext {
  readonly account: string;
  readonly user: string;
  role: string;
  warehouse: string | null;
  database: string | null;
  schema: string | null;
  readonly parameters: Map<string, string>;
  /** Throws when no warehouse can work. */
  needsWarehouse(): void;
  /** Throws when the role may not change `what`. */
  needsWrite(what: string): void;
  /** Throws when the role may not write files to its stage. */
  needsStage(): void;
  grantsOf(role: string): readonly Grant[];
  warehouseState(): string;
}
