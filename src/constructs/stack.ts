import { TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { ConfigError } from "../core/errors.ts";
import { acceptCdktn, adoptAspects } from "./cdktn.ts";
import { EbbProvider, type EbbProviderConnections, type EbbProviderState } from "./generated/provider/index.ts";
import { escaped, verbatim } from "./verbatim.ts";

/** Where Ebb records what it has applied: the ledger and the journals. */
export class State {
  readonly attributes: EbbProviderState;

  private constructor(attributes: EbbProviderState) {
    this.attributes = attributes;
  }

  /**
   * A folder on this machine's disk, relative to the project.
   *
   * @example State.local(".ebb")
   */
  static local(directory = ".ebb"): State {
    return new State({ local: { directory } });
  }
}

export interface SyncStackProps {
  /** Where Ebb records what it has applied (default `State.local(".ebb")`). */
  readonly state?: State;
}

class Provider extends EbbProvider {
  protected override synthesizeAttributes(): Record<string, unknown> {
    return verbatim(super.synthesizeAttributes());
  }
}

/**
 * A set of connections and syncs that are planned and applied together. It works in an `App` of cdktf and of cdktn.
 *
 * @example new SyncStack(app, "customer-success", { state: State.local(".ebb") })
 */
export class SyncStack extends TerraformStack {
  readonly #provider: Provider;
  readonly #connections = new Map<string, EbbProviderConnections>();

  constructor(scope: Construct, id: string, { state = State.local() }: SyncStackProps = {}) {
    acceptCdktn();
    super(scope, id);
    this.#provider = new Provider(this, "ebb", { state: escaped(state.attributes) });
  }

  /** The stack that holds a construct. */
  static override of(construct: Construct): SyncStack {
    const stack = TerraformStack.of(construct);
    if (stack instanceof SyncStack) return stack;
    throw new ConfigError("CONFIG_INVALID", `"${construct.node.path}" must stand in a SyncStack`);
  }

  /** Called by the App before it synthesizes. */
  override prepareStack(): void {
    adoptAspects(this);
    super.prepareStack();
  }

  /** Takes a connection into the provider block. The connection classes call it. */
  addConnection(name: string, system: string, options: object): void {
    if (this.#connections.has(name))
      throw new ConfigError("CONFIG_INVALID", `connection "${name}": another connection of the stack has this name`);
    this.#connections.set(name, { [system]: escaped(options) });
    this.#provider.connections = Object.fromEntries(this.#connections);
  }
}
