/**
 * `npm run screenshots`: the pictures of docs/images, from what the renderers make of the test plan "huge". Needs Chromium
 * (EBB_CHROMIUM names another than Debian's).
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { htmlReport } from "../src/cli/html-report.ts";
import type { OpenPlan } from "../src/engine/plan-file.ts";
import { reviewPlan } from "../src/engine/review/review.ts";
import { element, type Html, join as joined, text } from "../src/report/html/markup.ts";
import { createReveal, saltOf } from "../src/report/reveal.ts";
import { coloured } from "../src/report/style.ts";
import { renderPlan } from "../src/report/terminal.ts";
import { makePlan } from "../test/review/plans.ts";
import { pageAssets } from "./page-assets.ts";

const root = join(import.meta.dirname, "..");
const images = join(root, "docs/images");
const MOST_BYTES = 200_000;
const ESC = "\u001b";
const next = ["ebb apply customers.ebb"];

const scratch = mkdtempSync(join(tmpdir(), "ebb-screenshots-"));
const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath: process.env.EBB_CHROMIUM ?? "/usr/bin/chromium", args });
try {
  mkdirSync(images, { recursive: true });
  const plan = await makePlan("huge", scratch);
  const report = join(scratch, "report.html");
  const masked = join(scratch, "masked.html");
  writeFileSync(report, await reportOf(plan, true));
  writeFileSync(masked, await reportOf(plan, false));
  const terminal = join(scratch, "terminal.html");
  writeFileSync(terminal, terminalPage(await terminalText(plan)));
  await shoot(
    `file://${terminal}`,
    "terminal.png",
    { colorScheme: "dark", viewport: { width: 700, height: 400 } },
    async (page) => page.locator("pre"),
  );
  const viewport = { width: 1180, height: 660 };
  await shoot(
    `file://${masked}#op=update&field=stage`,
    "report-light.png",
    { colorScheme: "light", viewport },
    async (page) => {
      await page.waitForSelector("[data-ready]");
      return page.locator("body");
    },
  );
  const filtered = `file://${report}#op=update&field=note`;
  await shoot(filtered, "report-dark.png", { colorScheme: "dark", viewport }, async (page) => {
    await page.waitForSelector("[data-ready]");
    await page.focus("#view");
    await page.keyboard.press("Enter");
    return page.locator("body");
  });
} finally {
  await browser.close();
  rmSync(scratch, { recursive: true, force: true });
}

async function shoot(
  url: string,
  name: string,
  options: Parameters<Browser["newPage"]>[0],
  ready: (page: Page) => Promise<ReturnType<Page["locator"]>>,
): Promise<void> {
  const page = await browser.newPage(options);
  await page.goto(url);
  const path = join(images, name);
  await (await ready(page)).screenshot({ path });
  await page.close();
  const bytes = statSync(path).size;
  if (bytes > MOST_BYTES) throw new TypeError(`${name} has ${bytes} bytes, more than ${MOST_BYTES}`);
  process.stdout.write(`${path}  ${bytes} bytes\n`);
}

function reportOf(plan: OpenPlan, all: boolean): Promise<string> {
  return htmlReport(plan, { all, next, expired: false }, pageAssets(root));
}

function revealOf({ manifest }: OpenPlan, all: boolean) {
  return createReveal(
    manifest.syncs.map(({ sync }) => sync),
    { all, salt: saltOf(manifest) },
  );
}

async function terminalText(plan: OpenPlan): Promise<string> {
  const reviews = await reviewPlan(plan, { limit: 2 });
  const showing = (records: number) => `ebb show customers.ebb --detail ${records}`;
  return renderPlan(
    { summary: plan.summary, reviews, reveal: revealOf(plan, true), level: "records", next, showing },
    coloured,
  );
}

/** The colours of a terminal as elements; the codes are those that `coloured` writes. */
function terminalPage(output: string): string {
  const style = `body{margin:0;background:#0d1117}pre{margin:0;padding:18px 22px;display:inline-block;color:#d6dde4;
    font:13px/1.45 ui-monospace,"Liberation Mono",monospace}.c1{font-weight:700;color:#fff}.c2{color:#8b949e}.c9{text-decoration:line-through}
    .c31{color:#ff8f87}.c32{color:#56d364}.c33{color:#e3b341}.c36{color:#76e3ea}`;
  const parts: Html[] = [];
  let codes: readonly string[] = [];
  for (const part of output.split(new RegExp(`(${ESC}\\[\\d+m)`))) {
    const code = new RegExp(`^${ESC}\\[(\\d+)m$`).exec(part)?.[1];
    if (code === undefined) {
      const lines = part.split("\n").map((line) => text(line));
      const inside = joined(...lines.flatMap((line, i) => (i === 0 ? [line] : ["\n" as Html, line])));
      parts.push(element("span", { class: codes.map((one) => `c${one}`).join(" ") }, inside));
    } else if (["22", "29", "39", "0"].includes(code)) codes = codes.filter((one) => !closes(code, one));
    else codes = [...codes, code];
  }
  return `<!doctype html><html lang="en"><meta charset="utf-8"><style>${style}</style>${element("pre", {}, ...parts)}</html>`;
}

function closes(code: string, open: string): boolean {
  if (code === "22") return open === "1" || open === "2";
  return code === "0" || (code === "29" ? open === "9" : open.startsWith("3"));
}
