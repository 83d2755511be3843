import { randomUUID } from "node:crypto";
import { RecordError } from "../../../src/connector/index.ts";

type Lists = Readonly<Record<string, readonly string[]>>;

/** One problem inside an error. */
export interface Detail {
  readonly message: string;
  readonly code?: string;
  readonly context?: Lists;
}

export interface More {
  readonly errors?: readonly Detail[];
  readonly context?: Lists;
  readonly subCategory?: string;
}

/** A call, or an input of a batch, that is refused. */
export class Refusal extends RecordError {
  readonly status: number;
  readonly more: More;

  constructor(status: number, category: string, message: string, more: More = {}) {
    super(category, message);
    this.status = status;
    this.more = more;
  }

  /** As the body of a call's answer. */
  body() {
    const { message, vendorCode: category } = this;
    return { status: "error", message, correlationId: randomUUID(), category, ...this.more };
  }

  /** As one of the errors of a batch. */
  entry(context: Lists) {
    const { message, vendorCode: category, more } = this;
    const { errors = [], subCategory } = more;
    return {
      status: "error",
      category,
      ...(subCategory ? { subCategory } : {}),
      message,
      context: { ...more.context, ...context },
      errors,
      links: {},
    };
  }
}
