// SPDX-License-Identifier: LGPL-2.1-or-later
// browser.mjs chromium|firefox URL ROOM ID offer|answer [CHANNELS]: echo.js in a page of a headless browser.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.NODE_PACKAGES ?? process.cwd()}/`);
const load = async (name) => { const module = await import(pathToFileURL(require.resolve(name))); return module.default ?? module; };

const launchers = {
  chromium: async () => (await load('playwright-core')).chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] }),
  firefox: async () => (await load('puppeteer-core')).launch({ browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true }),
};

const [stack, url, room, id, role, channels = '[]'] = process.argv.slice(2);
const browser = await launchers[stack]();
const page = await browser.newPage();
page.on('console', (message) => console.log(message.text()));
page.on('pageerror', (error) => console.log(`failed: ${error.message}`));
await page.evaluate(await readFile(new URL('echo.js', import.meta.url), 'utf8'));
await page.evaluate((options) => {
  globalThis.meet({ RTCPeerConnection, WebSocket }, options, (line) => console.log(line));
}, { url, room, id, offer: role === 'offer', channels: JSON.parse(channels) });
process.stdin.resume();
process.stdin.on('end', async () => {
  await browser.close();
  process.exit(0);
});
