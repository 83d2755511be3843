import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { element, join, text } from "../../src/report/html/markup.ts";
import { temporaryFolder } from "../world.ts";
import { hostileTexts, makePlan, type PlanName } from "./plans.ts";
import { blocksOf, type ReportOptions, reportOf } from "./report.ts";

const report = async (name: PlanName, options?: ReportOptions) =>
  reportOf(await makePlan(name, await temporaryFolder()), options);

test("text never becomes markup", () => {
  for (const hostile of hostileTexts) {
    const html = element("p", { title: hostile }, text(hostile, 20_000));
    expect(html).toMatch(/^<p title="[^"<>]*">[^<>"']*<\/p>$/);
  }
  expect(join(text("a"), element("br", {}), null)).toBe("a<br></br>");
});

test("a report needs nothing but itself, and names what it executes by its hash", { timeout: 60_000 }, async () => {
  const html = await report("tiny");
  const [, policy = ""] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html) ?? [];
  const hash = (content = "") => `&#39;sha256-${createHash("sha256").update(content).digest("base64")}&#39;`;
  const scripts = [...html.matchAll(/<script>(.*?)<\/script>/gs)];
  const styles = [...html.matchAll(/<style>(.*?)<\/style>/gs)];
  expect([scripts.length, styles.length]).toEqual([1, 1]);
  expect(policy).toBe(
    `default-src &#39;none&#39;; script-src ${hash(scripts[0]?.[1])}; style-src ${hash(styles[0]?.[1])}; base-uri &#39;none&#39;; form-action &#39;none&#39;`,
  );
  const page = html.replace(/<(script|style)\b.*?<\/\1>/gs, "");
  expect(page).not.toMatch(/\bhttps?:|\bsrc=|\bstyle=|\bon\w+=/);
});

test("hostile values stand in the page as text, and in its data as base64", { timeout: 60_000 }, async () => {
  const html = await report("hostile", { all: true });
  const page = html.replace(/<(script|style)\b.*?<\/\1>/gs, "");
  expect(page).toContain("&lt;b&gt;hostile&lt;/b&gt;");
  expect(page).not.toMatch(/<img|<script|href="(?!#)/);
  const held = [...blocksOf(html).values()].join("\n");
  expect(held).toContain("</script><script>alert(1)</script>");
  // Nothing hidden is left, so that what is read is what is there.
  expect(held).toContain("␛[2J");
  for (const hidden of ["\u001b[2J", "\u202e", "\u200b"]) expect(held.includes(hidden)).toBe(false);
});

test("what is masked is nowhere in the file", { timeout: 60_000 }, async () => {
  const html = await report("tiny");
  const held = html + [...blocksOf(html).values()].join("\n");
  expect(held).not.toMatch(/@example\.com|c0000001|\bNew\b/);
  expect(held).toContain("250.00");
  const shown = await report("tiny", { all: true });
  const values = [...blocksOf(shown).values()].join("\n");
  for (const value of ["new@example.com", "c0000001"]) expect(values).toContain(value);
  expect(shown).toContain("All values are shown");
});

test("the head says what the plan is, what is left out and what comes next", { timeout: 60_000 }, async () => {
  const stopped = await report("delete-heavy", { next: [], cap: 100 });
  expect(stopped).toContain("STOPPED: a guard holds back 1 sync.");
  expect(stopped).toContain("DENIED: 1 policy denies this plan.");
  expect(stopped).toContain("PASS 2   WARN 1   DENY 1");
  expect(stopped).toMatch(/DENY <\/strong>MAX_DELETES: the plan deletes 667 records, 100 are allowed/);
  expect(stopped).toContain("Stopped by MAX_DELETES");
  expect(stopped).toContain("The table holds 100 of 667 changes: an even sample of the deletes alone.");
  expect(stopped).not.toContain('id="command"');
  const expired = await report("drifted", { expired: true, cap: 50 });
  expect(expired).toContain("Expired: plan again to apply it");
  expect(expired).toContain("The table holds 50 of 71 changes: every delete and an even sample of the others.");
  expect(expired).toContain("expires 2026-11-22 08:14 UTC");
});

test("the same plan makes the same file", { timeout: 60_000 }, async () => {
  const plan = await makePlan("drifted", await temporaryFolder());
  expect(await reportOf(plan)).toBe(await reportOf(plan));
});
