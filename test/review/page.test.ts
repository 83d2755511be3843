import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { needed, openBrowser, openReport } from "./chromium.ts";
import { hostileTexts, makePlan, type PlanName, planNames } from "./plans.ts";
import { type ReportOptions, reportFile } from "./report.ts";

let folder: string;
let browser: Browser | null = null;
const made = new Map<string, Promise<string>>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ebb-page-"));
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Address of the report of one of the plans, made once for each set of options. */
function addressOf(name: PlanName, options: ReportOptions = {}): Promise<string> {
  const id = `${name}${JSON.stringify(options)}`;
  const known = made.get(id);
  if (known) return known;
  const making = mkdtemp(join(folder, "plan-")).then(async (directory) =>
    reportFile(await makePlan(name, directory), name, options),
  );
  made.set(id, making);
  return making;
}

const status = (page: Page) => page.textContent("#status");
const press = async (page: Page, ...keys: readonly string[]) => {
  for (const key of keys) await page.keyboard.press(key);
};
/** Place of the change under the keyboard, counted from 1. */
const place = async (page: Page) => {
  const id = await page.getAttribute("#view", "aria-activedescendant");
  return Number(await page.getAttribute(`#${id}`, "aria-rowindex")) - 1;
};
const openCount = (page: Page) => page.locator("#view tr.open").count();

const totals: Readonly<Record<PlanName, string>> = {
  tiny: "All 3 changes",
  huge: "All 6,464 changes",
  "delete-heavy": "All 667 changes",
  drifted: "All 71 changes",
  hostile: "All 36 changes",
};

describe("a report in a browser", { timeout: 120_000 }, () => {
  test.for(planNames)("%s: it opens, and asks nothing of anybody", async (name, context) => {
    const { page, troubles } = await openReport(needed(browser, context), await addressOf(name));
    expect(await status(page)).toBe(totals[name]);
    expect(await page.locator("#view tr[data-place]").count()).toBeGreaterThan(2);
    expect(await page.title()).toMatch(/^Ebb plan [0-9a-f]{12}$/);
    expect(troubles).toEqual([]);
  });

  test("hostile values are shown, searched and linked to, and nothing of them runs", async (context) => {
    const url = await addressOf("hostile", { all: true });
    const { page, troubles } = await openReport(needed(browser, context), url);
    await page.focus("#view");
    for (let i = 0; i < 36; i++) await press(page, "Enter", "ArrowDown");
    for (const hostile of hostileTexts) {
      await page.click("#reset");
      await page.fill("#f-text", hostile.slice(0, 100));
      await page.selectOption("#f-field", "note");
      await page.fill("#f-to", `=${hostile}`);
      await page.goto(`${url}#${new URLSearchParams({ sync: hostile, where: hostile, is: hostile, text: hostile })}`);
    }
    await page.goto(`${url}#text=onload`);
    await expect.poll(() => status(page)).toBe("2 of 36 changes");
    await page.emulateMedia({ media: "print" });
    await expect.poll(() => page.textContent("#printed tbody")).toContain("<svg onload=fetch(");
    expect(await page.title()).toMatch(/^Ebb plan/);
    expect(await page.locator("#changes :is(img, script, svg, iframe, [onload], [onerror])").count()).toBe(0);
    expect(troubles).toEqual([]);
  });

  test("what is not the page's own script cannot run, and no address can be reached", async (context) => {
    const asked: string[] = [];
    const server = createServer(({ url }, response) => {
      asked.push(url ?? "");
      response.end();
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { page, troubles } = await openReport(needed(browser, context), await addressOf("tiny"));
    await page.evaluate(`new Promise((done) => {
      const script = document.createElement("script");
      script.textContent = "document.title = 'owned'";
      const image = document.createElement("img");
      image.onerror = done;
      image.src = "${address}/pixel.png";
      document.body.append(script, image);
    })`);
    expect(await page.evaluate(`fetch("${address}/leak").then(() => "reached", () => "refused")`)).toBe("refused");
    expect(asked).toEqual([]);
    expect(await page.title()).toMatch(/^Ebb plan/);
    expect(troubles.filter((one) => one.includes("Content Security Policy")).length).toBeGreaterThan(2);
  });

  test("filters narrow the table, alone and together", async (context) => {
    const { page } = await openReport(needed(browser, context), await addressOf("huge"));
    const shows = (count: string) => expect.poll(() => status(page)).toBe(`${count} of 6,464 changes`);
    await page.selectOption("#f-op", "create");
    await shows("300");
    await page.selectOption("#f-op", "update");
    await shows("6,104");
    await page.selectOption("#f-field", "stage");
    await shows("5,000");
    await page.fill("#f-from", "lea");
    await page.fill("#f-to", "=customer");
    await shows("2,500");
    await page.fill("#f-text", "THIRD QUARTER");
    const both = Number((await status(page))?.split(" ")[0]);
    expect(both).toBeGreaterThan(0);
    expect(both).toBeLessThan(100);
    await page.click("#reset");
    await expect.poll(() => status(page)).toBe("All 6,464 changes");
    await page.click("text=country = DE");
    await expect.poll(() => page.textContent("#where")).toContain("records with country = DE");
    // 5,000 that change for it, and those among the others.
    await shows("5,051");
    await page.click("#where button");
    await shows("6,104");
    await page.fill("#f-text", "no such value anywhere");
    await shows("0");
    expect(await page.locator("#view tr[data-place]").count()).toBe(0);
  });

  test("the keyboard does all of it", async (context) => {
    const { page } = await openReport(needed(browser, context), await addressOf("huge"));
    await press(page, "j");
    expect(await page.evaluate("document.activeElement.id")).toBe("view");
    await press(page, "ArrowDown", "j", "k");
    expect(await place(page)).toBe(3);
    await press(page, "Enter");
    expect(await openCount(page)).toBe(1);
    await press(page, "Escape");
    expect(await openCount(page)).toBe(0);
    await press(page, "ArrowRight", "ArrowLeft");
    expect(await openCount(page)).toBe(0);
    await press(page, "End");
    expect(await place(page)).toBe(6_464);
    await press(page, "PageUp");
    expect(await place(page)).toBeLessThan(6_450);
    await press(page, "Home");
    expect(await place(page)).toBe(1);
    await press(page, "/");
    await page.keyboard.type("lead");
    expect(await status(page)).not.toBe(totals.huge);
    await press(page, "Escape", "x");
    await expect.poll(() => status(page)).toBe(totals.huge);
    await press(page, "?");
    expect(await page.isVisible("#help")).toBe(true);
    await press(page, "Escape");
    expect(await page.isVisible("#help")).toBe(false);
  });

  test("an address holds the filters and the open change", async (context) => {
    const url = await addressOf("huge");
    const { page } = await openReport(needed(browser, context), `${url}#op=update&field=stage&from=%3Dlead`);
    await expect.poll(() => status(page)).toBe("2,500 of 6,464 changes");
    expect(await page.inputValue("#f-from")).toBe("=lead");
    await page.focus("#view");
    await press(page, "End", "Enter");
    const shown = await page.textContent("#view tr.open");
    const hash = new URL(page.url()).hash;
    expect(hash).toMatch(/^#op=update&field=stage&from=%3Dlead&change=0\.\d+$/);
    const again = await openReport(needed(browser, context), url + hash);
    expect(await again.page.textContent("#view tr.open")).toBe(shown);
    expect(await place(again.page)).toBe(2_500);
    await again.page.click("text=link to this change");
    await expect.poll(() => status(again.page)).toBe("All 6,464 changes");
    expect(await again.page.textContent("#view tr.open")).toBe(shown);
    await again.page.goto(`${url}#change=0.99999999`);
    await expect.poll(() => status(again.page)).toContain("the change of this address is not among them");
  });

  test("a change open at the very end can be scrolled to, and the view stays where it was put", async (context) => {
    const { page } = await openReport(needed(browser, context), await addressOf("huge"));
    await page.focus("#view");
    await press(page, "End", "Enter");
    for (const up of [400, 200, 100, 0]) {
      const [put, after] = await page.evaluate<[put: number, after: number]>(`(async () => {
        const view = document.querySelector("#view");
        view.scrollTop = view.scrollHeight - view.clientHeight - ${up};
        const put = view.scrollTop;
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        return [put, view.scrollTop];
      })()`);
      expect(after).toBe(put);
    }
  });

  test("only what is in view is made, and every line stands where it belongs", async (context) => {
    const { page } = await openReport(needed(browser, context), await addressOf("huge"));
    await page.focus("#view");
    await press(page, "ArrowDown", "Enter");
    const open = await page.evaluate<number>(`document.querySelector("#view tr.open").getBoundingClientRect().height`);
    expect(open).toBeGreaterThan(100);
    for (const top of [0, 40, 5_000, 100_000, 999_999]) {
      await page.evaluate(`new Promise((done) => {
        document.querySelector("#view").scrollTop = ${top};
        requestAnimationFrame(() => requestAnimationFrame(done));
      })`);
      const lines = await page.evaluate<[place: number, y: number][]>(`(() => {
        const view = document.querySelector("#view");
        const zero = view.querySelector("th").getBoundingClientRect().bottom - view.scrollTop;
        const shown = [...view.querySelectorAll("tr[data-place]")];
        return shown.map((tr) => [Number(tr.dataset.place), tr.getBoundingClientRect().top - zero]);
      })()`);
      expect(lines.length).toBeGreaterThan(10);
      expect(lines.length).toBeLessThan(60);
      for (const [at, y] of lines) expect(Math.abs(y - at * 32 - (at > 1 ? open : 0))).toBeLessThan(1);
    }
    expect(await page.locator("#view tr[aria-rowindex='6465']").count()).toBe(1);
    expect(await page.getAttribute("#view", "aria-rowcount")).toBe("6465");
  });

  test("a change shows its fields, long texts word by word", async (context) => {
    const { page } = await openReport(needed(browser, context), `${await addressOf("tiny")}#field=note&op=update`);
    await page.click("#view tr[data-place='0']");
    const words = page.locator("#view tr.open .words");
    expect((await words.locator("del").allTextContents()).join(" ")).toBe("a back in the second quarter");
    expect((await words.locator("ins").allTextContents()).join(" ")).toBe("no before June");
    expect(await page.locator("#view tr.kept").allTextContents()).toContainEqual("stagecustomer unchanged");
    const drifted = await openReport(needed(browser, context), `${await addressOf("drifted")}#why=conflict`);
    expect(await status(drifted.page)).toBe("10 of 71 changes");
    await drifted.page.click("#view tr[data-place='0']");
    expect(await drifted.page.textContent("#view tr.open")).toContain("changed on both sides");
    expect(await drifted.page.textContent("#view tr.open .badge")).toBe("theirs → ours");
  });

  test("paper gets the summary and what is filtered, not the lines in view", async (context) => {
    const url = `${await addressOf("huge")}#op=create`;
    const { page } = await openReport(needed(browser, context), url, { colorScheme: "dark" });
    const ink = () => page.evaluate<string>("getComputedStyle(document.body).color");
    expect(await ink()).toBe("rgb(230, 237, 243)");
    await page.emulateMedia({ media: "print" });
    expect(await ink()).toBe("rgb(31, 35, 40)");
    await expect.poll(() => page.locator("#printed tbody tr").count()).toBe(300);
    expect(await page.textContent("#printed p")).toBe("Filter: operation create. Printed: all 300.");
    for (const hidden of ["#view", "#filters", "#status"]) expect(await page.isVisible(hidden)).toBe(false);
    for (const shown of ["h1", "#summary .numbers", "#printed table"]) expect(await page.isVisible(shown)).toBe(true);
    await page.emulateMedia({ media: "screen" });
    await page.click("#reset");
    await page.emulateMedia({ media: "print" });
    await expect.poll(() => page.locator("#printed tbody tr").count()).toBe(1_000);
    expect(await page.textContent("#printed p")).toContain("the first 1,000 of 6,464");
  });

  test.for(["light", "dark"] as const)("axe finds nothing to mend, %s", async (colorScheme, context) => {
    const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    for (const name of ["huge", "drifted", "delete-heavy"] as const) {
      const { page } = await openReport(needed(browser, context), await addressOf(name), { colorScheme });
      await page.evaluate(axe);
      const check = async () => {
        const { violations } = (await page.evaluate("axe.run()")) as {
          violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
        };
        return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
      };
      await page.focus("#view");
      await press(page, "End", "Enter");
      expect(await check()).toEqual([]);
      await press(page, "?");
      expect(await check()).toEqual([]);
    }
  });
});
