// SPDX-License-Identifier: LGPL-2.1-or-later
// browser.mjs chromium|firefox URL ROOM ID offer|answer [CHANNELS]: echo.js in a page of a headless browser.
import { readFile } from 'node:fs/promises';
import { launch } from './launch.mjs';

const [stack, url, room, id, role, channels = '[]'] = process.argv.slice(2);
const browser = await launch(stack);
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
