/** A real browser for tests of the report: Debian's Chromium, or the one that EBB_CHROMIUM names. */
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { TestContext } from "vitest";

const path = process.env.EBB_CHROMIUM ?? "/usr/bin/chromium";

/** Null where there is none, unless EBB_REQUIRE_CHROMIUM=1 says that there has to be one. */
export async function openBrowser(): Promise<Browser | null> {
  if (!existsSync(path)) {
    if (process.env.EBB_REQUIRE_CHROMIUM === "1") throw new TypeError(`there is no Chromium at ${path}`);
    return null;
  }
  // Chromium refuses its sandbox to root, which is who runs in most containers.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: path, args });
}

export function needed(browser: Browser | null, context: TestContext): Browser {
  return browser ?? context.skip(`there is no Chromium at ${path}; EBB_CHROMIUM names another`);
}

export interface OpenReport {
  readonly page: Page;
  /** What should not happen: words on the console, dialogs, requests of anything but the file. */
  readonly troubles: readonly string[];
}

/** Opens a report and waits until its changes are there. */
export async function openReport(browser: Browser, url: string, options?: BrowserContextOptions): Promise<OpenReport> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on("console", (message) => troubles.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (request.url() !== url.replace(/#.*/, "")) troubles.push(`request: ${request.url()}`);
  });
  page.on("popup", (popup) => troubles.push(`window: ${popup.url()}`));
  await page.goto(url);
  await page.waitForSelector("[data-ready]");
  return { page, troubles };
}
