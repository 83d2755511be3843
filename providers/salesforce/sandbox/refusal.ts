import { RecordError } from "../../../src/connector/index.ts";

/** A call that is refused as a whole: an HTTP status, and the vendor's code and sentence. */
export class Refusal extends RecordError {
  readonly status: number;

  constructor(status: number, errorCode: string, message: string) {
    super(errorCode, message);
    this.status = status;
  }
}
