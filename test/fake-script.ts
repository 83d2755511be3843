/** What a fake destination is told to do instead of what it does by itself. @module */
import type { Batch, Load, ReadRequest, Receipt } from "../src/connector/index.ts";
import type { Fake } from "./fake.ts";

export interface FakeScript {
  write?: ((batch: Batch, fake: Fake, signal: AbortSignal) => AsyncIterable<Receipt>) | undefined;
  /** With it the destination takes loads. */
  load?: ((load: Load, fake: Fake) => Promise<boolean>) | undefined;
  resume?: ((ticket: string, batch: Batch, fake: Fake) => AsyncIterable<Receipt>) | undefined;
  read?: ((request: ReadRequest, fake: Fake) => void | Promise<void>) | undefined;
  describe?: (() => void | Promise<void>) | undefined;
  /** Each batch of source rows passes here. */
  source?: (() => void | Promise<void>) | undefined;
  /** What happens until the connection of an HTTP call stands, where `http` is on. */
  connect?: ((path: string) => void | Promise<void>) | undefined;
  /** Answers of the HTTP calls, where `http` is on. */
  answer?: ((path: string) => FakeAnswer) | undefined;
}

export interface FakeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
}
