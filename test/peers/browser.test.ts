// A person with a browser: the basket survives the kill of the worker that served it. Without scripts in the page.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { LocalRun, ROOT } from "../support/local-cluster.ts";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

describe("the shop in Chromium", () => {
  const userData = mkdtempSync(join(tmpdir(), "browser-test-"));
  let run: LocalRun;
  let browser: BrowserContext;
  let page: Page;
  let shop: string;

  before(async () => {
    run = new LocalRun(join(ROOT, "deploy/samples/shop.yaml"));
    shop = `${(await run.ready()).url}/shop/`;
    browser = await chromium.launchPersistentContext(userData, {
      executablePath: "/usr/bin/chromium",
      args: FLAGS,
      javaScriptEnabled: false,
    });
    page = await browser.newPage();
  });
  after(async () => {
    await browser?.close();
    await run.dispose();
    rmSync(userData, { recursive: true, force: true });
  });

  const text = (selector: string) => page.locator(selector).textContent();
  const press = (label: string) => page.getByRole("button", { name: label, exact: true }).click();

  it("keeps the basket when the worker that served it is killed, again and again", async () => {
    await page.goto(shop);
    assert.equal(await page.title(), "Shop");
    assert.equal(await page.locator("#empty").count(), 1);
    await press("Add Teapot");
    await press("Add Espresso cup");
    await press("Add Teapot");
    assert.equal(page.url(), shop);
    assert.equal(await text('[data-item="teapot"] [data-quantity]'), "2");
    assert.equal(await text("#total"), "€\u00a0110.00");

    for (let kill = 0; kill < 2; kill += 1) {
      const [worker, pid] = [await text("#worker"), Number(await text("#pid"))];
      const mark = run.events.length;
      process.kill(pid, "SIGKILL");
      await page.reload();
      assert.equal(await text('[data-item="teapot"] [data-quantity]'), "2", `basket after the kill of ${worker}`);
      assert.equal(await text("#total"), "€\u00a0110.00");
      assert.notEqual(await text("#worker"), worker);
      await run.waitFor("workerStarted", ({ name }) => name === worker, { after: mark });
    }

    await press("Remove one Teapot");
    assert.equal(await text('[data-item="teapot"] [data-quantity]'), "1");
    assert.equal(await text("#changed-by"), await text("#worker"));
    await press("Empty the basket");
    assert.equal(await page.locator("#empty").count(), 1);
  });

  it("loads nothing from elsewhere and reports no error", async () => {
    const requested: string[] = [];
    const problems: string[] = [];
    page.on("request", (request) => requested.push(request.url()));
    page.on("console", (message) => problems.push(message.text()));
    await page.goto(shop);
    assert.deepEqual(
      requested.filter((url) => !url.startsWith(new URL(shop).origin)),
      [],
    );
    assert.deepEqual(
      problems.filter((problem) => !problem.includes("favicon")),
      [],
    );
  });
});
