/* browse.js URL SUBJECTS.json SHOTS: walks over the dashboard in headless
 * Chromium and says what is wrong.  Exit code 0 when nothing is. */
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { chromium } = require("playwright-core");

const [url, subjectsFile, shots] = process.argv.slice(2);
const subjects = JSON.parse(fs.readFileSync(subjectsFile, "utf8"));
const axeSource = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const LONGEST_WAIT_MS = 120000;

const tests = [];
const test = (name, run) => tests.push({ name, run });

/* A page that notes whatever should not happen on it. */
async function open(browser, options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.wrongs = [];
  page.setDefaultTimeout(LONGEST_WAIT_MS);
  page.on("dialog", (dialog) => {
    page.wrongs.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("pageerror", (error) => page.wrongs.push(`an error: ${error}`));
  page.on("console", (line) => {
    if (line.type() === "error" && !page.missing) page.wrongs.push(`on the console: ${line.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) page.wrongs.push(`a request to elsewhere: ${request.url()}`);
  });
  page.see = async (where) => {
    const answer = await page.goto(url + where, { waitUntil: "load" });
    return answer.status();
  };
  page.done = async () => {
    assert.deepEqual(page.wrongs, []);
    await context.close();
  };
  return page;
}

const isMissing = (name) => name === "missing" || name === "no-incident";

const heading = (page) => page.locator("h1").innerText();

/* Clicks what leads to another page, and waits until that is there. */
async function follow(page, link) {
  await Promise.all([page.waitForEvent("framenavigated"), link.click()]);
  await page.waitForLoadState("load");
}

const first = (page, section, row) =>
  follow(page, page.locator(`section[aria-labelledby="${section}"] tbody th a`).filter({ hasText: row }).first());

/* Every kind of page, ordinary and hostile. */
async function addresses(browser) {
  const page = await open(browser);
  const found = { fleet: "/", guests: "/guests", filtered: "/guests?state=behind&sort=name&order=desc", missing: "/cluster/NONE" };
  const take = async (name, section, row) => {
    await first(page, section, row);
    found[name] = page.url().slice(url.length);
  };
  await page.see("/");
  await take("cluster", "clusters-title", "PROD-A");
  await take("host", "hosts-title", "HV01");
  await take("guest", "guests-title", "SQL01");
  await page.see("/");
  await take("hostile-cluster", "clusters-title", subjects.cluster);
  await take("hostile-host", "hosts-title", subjects.host);
  for (let i = 0; i < 3; i++) found[`hostile-guest-${i}`] = `/guest/BAD00000-0000-4000-8000-00000000000${i}`;
  found["hostile-guest-long"] = "/guest/BAD00000-0000-4000-8000-000000000006";
  found.incidents = "/incidents";
  found["incidents-filtered"] = "/incidents?code=0xD1&since=365d&order=asc&host=" + encodeURIComponent(subjects.host);
  found["incidents-none"] = "/incidents?module=none.sys";
  found.login = "/login";
  found.account = "/account";
  found["no-incident"] = "/incident/0000000000000000";
  for (const [name, id] of Object.entries(subjects.incidents)) found[`incident-${name}`] = `/incident/${id}`;
  await page.done();
  return found;
}

test("a click path leads from the fleet through cluster and host to a guest, and back up", async (browser) => {
  const page = await open(browser);
  assert.equal(await page.see("/"), 200);
  assert.equal(await heading(page), "Fleet");
  await first(page, "clusters-title", "PROD-A");
  assert.equal(await heading(page), "PROD-A");
  await first(page, "hosts-title", "HV01");
  assert.equal(await heading(page), "HV01");
  await first(page, "guests-title", "SQL01");
  assert.equal(await heading(page), "SQL01");
  assert.match(page.url(), /\/guest\/[0-9A-F-]{36}$/);
  assert.match(await page.locator("main").innerText(), /What to do:/);
  for (const name of ["HV01", "PROD-A", "Fleet"]) {
    await follow(page, page.locator("nav.crumbs a").filter({ hasText: name }).last());
    assert.equal(await heading(page), name);
  }
  await page.done();
});

test("a click path leads from the fleet to an incident, its evidence, and the guest", async (browser) => {
  const page = await open(browser, { javaScriptEnabled: false });
  await page.see("/");
  await follow(page, page.locator("header nav a").filter({ hasText: "Incidents" }));
  assert.equal(await heading(page), "Incidents");
  await page.selectOption("#since", "");
  await page.fill("#module", "storvsc.sys");
  await follow(page, page.locator("form.filter button"));
  assert.match(page.url(), /module=storvsc\.sys/);
  assert.ok((await page.locator("table.incidents tbody tr").count()) > 0);
  await follow(page, page.locator("table.incidents tbody td a").first());
  assert.match(await heading(page), /: 0x000000d1 DRIVER_IRQL_NOT_LESS_OR_EQUAL/);
  assert.match(await page.locator("article.finding").first().innerText(), /What to do:[^]*For it/);
  assert.ok((await page.locator("svg.timeline .sign").count()) > 0);
  assert.ok((await page.locator('section[aria-labelledby="timeline-title"] tr.sign').count()) > 0);
  await follow(page, page.locator("nav.crumbs a").last());
  assert.match(page.url(), /\/guest\/[0-9A-F-]{36}$/);
  await page.done();
});

test("the list of incidents turns its order around, and says what it has", async (browser) => {
  const page = await open(browser);
  await page.see("/incidents");
  const times = () => page.locator("table.incidents tbody time").evaluateAll((all) => all.map((t) => t.dateTime));
  const newest = await times();
  assert.equal(newest.length, subjects.incidentCount);
  assert.deepEqual(newest, [...newest].sort().reverse());
  await follow(page, page.locator("table.incidents thead a"));
  assert.deepEqual(await times(), [...newest].sort());
  assert.equal(await page.locator("th[aria-sort=ascending]").count(), 1);
  await page.done();
});

test("hostile names stay text on every page", async (browser, at) => {
  const page = await open(browser);
  await page.see(at["hostile-cluster"]);
  assert.equal(await heading(page), subjects.cluster);
  const listed = await page.locator("#guests tbody th").allInnerTexts();
  for (const name of subjects.names.slice(0, 4)) assert.ok(listed.includes(name), `${name} is not listed as it is`);
  await page.see(at["hostile-host"]);
  assert.equal(await heading(page), subjects.host);
  for (let i = 0; i < 3; i++) {
    await page.see(at[`hostile-guest-${i}`]);
    assert.equal(await heading(page), subjects.names[i]);
    assert.equal(await page.locator("main img, main script, main svg[onload]").count(), 0);
    await page.see(at[`incident-hostile-${i}`]);
    assert.ok((await heading(page)).startsWith(subjects.names[i] + ": 0x000000d1"), await heading(page));
    assert.equal(await page.locator("main img, main script, main svg[onload]").count(), 0);
  }
  assert.equal(await page.locator("main img, main script, main svg[onload]").count(), 0);
  await page.done();
});

test("no page needs a dialog, another site, or what the content policy forbids", async (browser, at) => {
  const page = await open(browser);
  for (const [name, where] of Object.entries(at)) {
    page.missing = isMissing(name); /* Chromium notes a 404 on the console */
    assert.equal(await page.see(where), isMissing(name) ? 404 : 200, where);
  }
  await page.done();
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe-core finds nothing serious or critical on any page, in ${colorScheme}`, async (browser, at) => {
    const page = await open(browser, { colorScheme });
    for (const [name, where] of Object.entries(at)) {
      page.missing = isMissing(name);
      await page.see(where);
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
      await page.evaluate(axeSource);
      const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      const bad = result.violations.filter((v) => v.impact === "serious" || v.impact === "critical");
      assert.deepEqual(bad.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 120) + " " + n.failureSummary).join(" | ")}`), [],
        `${where}`);
      for (const v of result.violations) console.log(`  note: ${name}: ${v.impact}: ${v.id}`);
    }
    await page.done();
  });

  test(`screenshots are taken, in ${colorScheme}`, async (browser, at) => {
    const page = await open(browser, { colorScheme, reducedMotion: "reduce" });
    for (const [name, where] of Object.entries(at)) {
      page.missing = isMissing(name);
      await page.see(where);
      await page.screenshot({ path: path.join(shots, `${name}-${colorScheme}.png`), fullPage: true });
    }
    await page.done();
  });
}

test("charts are drawn, and have something on them", async (browser, at) => {
  const page = await open(browser, { reducedMotion: "reduce" });
  await page.see(at.cluster);
  assert.equal(await page.locator("canvas").count(), 2);
  await page.see("/");
  const paint = () => page.locator("canvas").evaluateAll((all) => all.map((canvas) => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const colours = new Set();
    for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3] > 200) colours.add(pixels.slice(i, i + 3).join());
    return colours.size;
  }));
  let painted = await paint();
  for (const end = Date.now() + LONGEST_WAIT_MS; painted.some((colours) => colours <= 4) && Date.now() < end;) {
    await page.waitForTimeout(100);
    painted = await paint();
  }
  assert.equal(painted.length, 2);
  for (const colours of painted) assert.ok(colours > 4, `a chart has ${colours} colours`);
  await page.done();
});

test("without scripts every number is there, in tables", async (browser) => {
  const page = await open(browser, { javaScriptEnabled: false });
  await page.see("/");
  assert.equal(await page.locator("canvas").count(), 0);
  assert.equal(await page.locator(".chart:visible").count(), 0);
  await page.locator("summary").first().click();
  await page.locator("#days-table").waitFor({ state: "visible" });
  assert.ok((await page.locator("#days-table tbody tr").count()) > 20);
  await first(page, "clusters-title", "PROD-A");
  assert.equal(await heading(page), "PROD-A");
  await page.done();
});

test("the fleet's page shows the numbers of the report", async (browser) => {
  const page = await open(browser);
  await page.see("/");
  const cells = await page.locator(".grid tfoot td").allInnerTexts();
  assert.equal(parseInt(cells.at(-1), 10), subjects.report.guests);
  assert.equal(parseInt(cells[0], 10), subjects.report.hosts);
  for (const item of await page.locator("ul.states li").all()) {
    const state = await item.locator(".state").innerText();
    assert.equal(parseInt(await item.locator(".big").innerText(), 10), subjects.report.by_state[state] || 0, state);
  }
  await page.done();
});

test("a list is filtered and sorted by its address", async (browser) => {
  const page = await open(browser);
  await page.see("/guests");
  await page.selectOption("#state", "behind");
  await follow(page, page.locator("form.filter button"));
  assert.match(page.url(), /state=behind/);
  const states = await page.locator("#guests tbody .state").allInnerTexts();
  assert.ok(states.length > 0);
  assert.deepEqual(new Set(states), new Set(["behind"]));
  await follow(page, page.locator("#guests thead a").filter({ hasText: "Guest" }).first());
  assert.match(page.url(), /state=behind.*sort=name/);
  const names = await page.locator("#guests tbody th").allInnerTexts();
  assert.deepEqual(names, [...names].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)));
  assert.equal(await page.locator("th[aria-sort=ascending]").innerText().then((t) => t.trim().split(" ")[0]), "Guest");
  await page.done();
});

/* As an admin.  Who has tried often has to wait a little, which is no error here. */
async function signIn(browser, options = {}) {
  const page = await open(browser, options);
  page.missing = true; /* Chromium notes a 429 on the console */
  for (const end = Date.now() + 2 * LONGEST_WAIT_MS; Date.now() < end;) {
    await page.see("/login");
    await page.fill("#name", subjects.person);
    await page.fill("#password", subjects.password);
    await follow(page, page.locator("form.sign button"));
    if ((await heading(page)) === "Fleet") break;
    await page.waitForTimeout(1000);
  }
  page.missing = false;
  return page;
}

test("a person signs in, is told a wrong password, changes it, and signs out, without scripts", async (browser) => {
  const page = await open(browser, { javaScriptEnabled: false });
  await page.see("/login");
  await page.locator("#name:focus").waitFor();
  await page.fill("#name", subjects.person);
  await page.fill("#password", "wrong horse battery");
  page.missing = true; /* Chromium notes a 403 on the console */
  await follow(page, page.locator("form.sign button"));
  assert.equal(await page.locator("[role=alert]").innerText(), "Wrong name or password.");
  await page.fill("#name", subjects.person);
  await page.fill("#password", subjects.password);
  await follow(page, page.locator("form.sign button"));
  assert.equal(await heading(page), "Fleet");
  await follow(page, page.locator("header nav a").filter({ hasText: "Account" }));
  assert.match(await page.locator("dl.facts").innerText(), new RegExp(subjects.person));
  await page.fill("#password", subjects.password);
  await page.fill("#new", subjects.password + "!");
  await page.fill("#again", subjects.password + "!");
  await follow(page, page.locator('form[action="/account/password"] button'));
  assert.equal(await heading(page), "Account");
  subjects.password += "!";
  await follow(page, page.locator('form[action="/logout"] button'));
  assert.equal(await heading(page), "Sign in");
  await page.done();
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe-core finds nothing serious or critical on what an admin sees, in ${colorScheme}`, async (browser) => {
    const page = await signIn(browser, { colorScheme });
    for (const where of ["/account", "/audit"]) {
      assert.equal(await page.see(where), 200, where);
      await page.evaluate(axeSource);
      const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      assert.deepEqual(result.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => v.id), [], where);
      await page.screenshot({ path: path.join(shots, `admin${where.replace("/", "-")}-${colorScheme}.png`), fullPage: true });
    }
    await page.done();
  });
}

test("the keyboard reaches the content first, and every link has a visible focus", async (browser) => {
  const page = await open(browser);
  await page.see("/");
  await page.keyboard.press("Tab");
  assert.equal(await page.locator(":focus").textContent(), "Skip to the content");
  await page.keyboard.press("Enter");
  await page.locator("#main:focus").waitFor();
  await page.keyboard.press("Tab");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid");
  await page.done();
});

test("on a narrow screen nothing but the tables scrolls sideways", async (browser, at) => {
  const page = await open(browser, { viewport: { width: 390, height: 800 } });
  for (const [name, where] of Object.entries(at)) {
    page.missing = isMissing(name);
    await page.see(where);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(wide <= 0, `${where} is ${wide} px too wide`);
    await page.screenshot({ path: path.join(shots, `${name}-narrow.png`) });
  }
  await page.done();
});

async function main() {
  fs.mkdirSync(shots, { recursive: true });
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    timeout: LONGEST_WAIT_MS,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--no-proxy-server"],
  });
  let failed = 0;
  try {
    const at = await addresses(browser);
    for (const { name, run } of tests) {
      try {
        await run(browser, at);
        console.log(`ok: ${name}`);
      } catch (error) {
        failed++;
        console.log(`FAILED: ${name}\n${error.stack}`);
      }
    }
  } finally {
    await browser.close();
  }
  console.log(`100%: Checks: ${tests.length}, Failures: ${failed}, Errors: 0`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
