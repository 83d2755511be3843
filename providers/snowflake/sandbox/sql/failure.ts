import { RecordError } from "../../../../src/connector/index.ts";

/** A statement that failed, in the vendor's terms: its code, its SQLSTATE, its sentence. */
export class SqlFailure extends RecordError {
  readonly sqlState: string;

  constructor(vendorCode: string, sqlState: string, message: string) {
    super(vendorCode, message);
    this.sqlState = sqlState;
  }
}

export const unsupported = (what: string): SqlFailure =>
  new SqlFailure("000002", "0A000", `Unsupported feature '${what}' (the sandbox does not know it).`);
