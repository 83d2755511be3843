/** The envelope every answer of the protocol comes in. @module */
export interface Answer {
  readonly status: number;
  readonly json?: unknown;
  /** Where a browser is sent on to. */
  readonly location?: string;
  /** Sent as it is, gzipped already. */
  readonly gzip?: Buffer;
  /** Bytes announced but not sent. */
  readonly missing?: number;
}

export const success = (data: unknown, code: string | null = null, message: string | null = null): Answer => ({
  status: 200,
  json: { data, code, message, success: true },
});

export const refusal = (code: string, message: string, data: unknown = null): Answer => ({
  status: 200,
  json: { data, code, message, success: false, headers: null },
});

export const parameter = (name: string, value: unknown) => ({ name, value });
