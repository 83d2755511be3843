/** Policies on the construct tree: rules for declarations, checked whenever a stack is synthesized. @module */
export { FieldOwner, type FieldOwnerProps } from "./field-owner.ts";
export { ForbidDeletes, type ForbidDeletesProps } from "./forbid-deletes.ts";
export { MaxChangeRatio, type MaxChangeRatioProps } from "./max-change-ratio.ts";
export { Policy, type PolicyProps } from "./policy.ts";
export { maskingSteps, RequireMasking, type RequireMaskingProps } from "./require-masking.ts";
export { RequirePrivacy, type RequirePrivacyProps } from "./require-privacy.ts";
