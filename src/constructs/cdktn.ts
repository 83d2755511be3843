import { Aspects, type IAspect, TerraformElement } from "cdktf";
import type { IConstruct } from "constructs";

const reset = "_resetResolveDiscoveredProviderFeatureUsage";

/**
 * Lets cdktf's elements live in an App of CDK Terrain (cdktn), which calls one method on every element that cdktf's do
 * not have. It forgets which versioned provider features were found in use; cdktf's elements register none.
 */
export function acceptCdktn(): void {
  if (reset in TerraformElement.prototype) return;
  Object.defineProperty(TerraformElement.prototype, reset, { value: () => undefined, configurable: true });
}

/**
 * Lets a stack's aspects work wherever they were added: cdktf visits a stack with the aspects that its own `Aspects` put
 * on the stack or below it. Those put on the App above it, or by the `Aspects` of cdktn, would be passed over in silence.
 */
export function adoptAspects(stack: IConstruct): void {
  const adopt = (to: IConstruct, aspects: readonly IAspect[]) => {
    const own = Aspects.of(to);
    for (const aspect of aspects) if (!own.all.includes(aspect)) own.add(aspect);
  };
  for (const above of stack.node.scopes.slice(0, -1)) adopt(stack, aspectsOn(above));
  for (const node of stack.node.findAll()) adopt(node, aspectsOn(node));
}

/** What any `Aspects`, of cdktf, of cdktn or of another copy of either, has put on a construct. */
function aspectsOn(construct: IConstruct): readonly IAspect[] {
  return Object.getOwnPropertySymbols(construct)
    .filter(({ description }) => description === "cdktf-aspects")
    .flatMap((symbol) => {
      const { all }: { readonly all?: unknown } = Reflect.get(construct, symbol);
      return Array.isArray(all) ? (all as readonly IAspect[]) : [];
    });
}
