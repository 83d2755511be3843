/** What a field mapping may say about masking: the form in which it stands in a declaration. @module */
import * as z from "zod";
import { secretReference } from "./secret-reference.ts";

const positive = z.number().refine((n) => n > 0, { error: "must be above 0" });

/** What the text is brought to before it is hashed; the rules are in `normalise.ts`. */
export const normalForms = [
  "email",
  "googleEmail",
  "tiktokEmail",
  "phone",
  "googlePhone",
  "name",
  "googleName",
] as const;
export type NormalForm = (typeof normalForms)[number];

export const hashAs = z
  .enum(normalForms)
  .describe(
    "The form that ad platforms want text in before it is hashed. email: trimmed, lower case (Meta and most others); googleEmail and tiktokEmail: with their own rules on dots and plus signs; phone: digits with country code (Meta, TikTok); googlePhone: the same behind a plus sign; name: lower case without punctuation (Meta); googleName: lower case, trimmed.",
  );

export const tokenise = z
  .strictObject({
    secret: secretReference("The key of the tokens, at least 16 bytes."),
    length: z
      .number()
      .int()
      .min(16)
      .max(64)
      .optional()
      .describe("Hexadecimal digits to keep (default 64: all); fewer make equal tokens of unequal values likelier."),
  })
  .describe("Replace the text by a token, its HMAC-SHA-256: equal values stay equal, and only the key leads to them.");

export const redact = z.string().min(1).describe("Replace every value that is not null by this text.");

export const bucket = z
  .strictObject({
    width: z
      .number()
      .min(0.000001)
      .optional()
      .describe("Numbers become the lower bound of their bucket, a multiple of this."),
    edges: z
      .array(z.number())
      .min(1)
      .optional()
      .describe(
        "Numbers become the label of their bucket between these ascending edges: 0, 100 and 1000 make <0, 0-99, 100-999 and 1000+.",
      ),
    by: z
      .enum(["day", "week", "month", "year"])
      .optional()
      .describe("Dates and times become the first day of their day, week (from Monday), month or year, in UTC."),
  })
  .describe("Replace each value by its bucket. Exactly one of width, edges and by.");

export const noise = z
  .strictObject({
    epsilon: positive.describe("How little is protected: the noise has the scale sensitivity / epsilon."),
    sensitivity: positive.describe("How far two values may lie apart that shall look alike within epsilon."),
    secret: secretReference("The key the noise follows from, at least 16 bytes."),
    min: z.number().optional().describe("What falls below becomes this."),
    max: z.number().optional().describe("What rises above becomes this."),
  })
  .describe(
    "Add Laplace noise to a number: the same noise for the same record, field and value, and rounded as `round` or the destination's field says.",
  );

export type Bucket = z.output<typeof bucket>;
export type Noise = z.output<typeof noise>;
export type Tokenise = z.output<typeof tokenise>;
