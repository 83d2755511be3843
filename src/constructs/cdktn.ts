import { TerraformElement } from "cdktf";

const reset = "_resetResolveDiscoveredProviderFeatureUsage";

/**
 * Lets cdktf's elements live in an App of CDK Terrain (cdktn), which calls one method on every element that cdktf's do
 * not have. It forgets which versioned provider features were found in use; cdktf's elements register none.
 */
export function acceptCdktn(): void {
  if (reset in TerraformElement.prototype) return;
  Object.defineProperty(TerraformElement.prototype, reset, { value: () => undefined, configurable: true });
}
