import { styleText } from "node:util";

export type Format = "bold" | "dim" | "red" | "green" | "yellow" | "cyan" | "strikethrough";

/** Dresses text for a terminal, or leaves it as it is. */
export type Style = (format: Format, text: string) => string;

export const plain: Style = (_, text) => text;

/** Whether colour is wanted is decided by the caller, so the stream is not asked again. */
export const coloured: Style = (format, text) =>
  text === "" ? "" : styleText(format, text, { validateStream: false });
