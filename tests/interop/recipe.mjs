// SPDX-License-Identifier: LGPL-2.1-or-later
// recipe.mjs: copy and paste between `dcpeer --manual` and the console of a browser, by the recipe of the README, in both roles. Nothing is
// brought across but what the two sides print. DCPEER names the program.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.NODE_PACKAGES ?? process.cwd()}/`);
const { chromium } = (await import(pathToFileURL(require.resolve('playwright-core')))).default;

/** Lines that can be waited for. */
class Lines {
  #lines = [];
  #waiting = [];

  add(line) {
    this.#lines.push(line);
    this.#waiting = this.#waiting.filter(({ pattern, found }) => !pattern.test(line) || found(line));
  }

  wait(pattern) {
    const line = this.#lines.find((candidate) => pattern.test(candidate));
    return line ?? new Promise((found) => this.#waiting.push({ pattern, found }));
  }
}

function dcpeer(command) {
  const child = spawn(process.env.DCPEER, [command, '--manual', '--env-file', '/dev/null', '-n', '3', '--interval', '0.1']);
  const lines = new Lines();
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => lines.add(line));
  return { lines, paste: (text) => child.stdin.write(`${text}\n`), exit: new Promise((done) => { child.on('exit', done); }) };
}

async function openConsole(browser) {
  const page = await browser.newPage();
  const lines = new Lines();
  page.on('console', (message) => lines.add(message.text()));
  return { lines, type: (text) => page.evaluate(text) };
}

// As in the README.
const answering = (offer) => `(async () => {
  const pc = window.pc = new RTCPeerConnection();
  pc.ondatachannel = (e) => { e.channel.onmessage = (m) => console.log(m.data); window.channel = e.channel; };
  pc.onicecandidate = (e) => { if (!e.candidate) console.log(JSON.stringify(pc.localDescription)); };
  await pc.setRemoteDescription(${offer});
  await pc.setLocalDescription(await pc.createAnswer());
})()`;
const offering = `(async () => {
  const pc = window.pc = new RTCPeerConnection();
  const channel = window.channel = pc.createDataChannel('sendChannel');
  channel.onmessage = (m) => console.log(m.data);
  pc.onicecandidate = (e) => { if (!e.candidate) console.log(JSON.stringify(pc.localDescription)); };
  await pc.setLocalDescription(await pc.createOffer());
})()`;

async function browserAnswers(browser) {
  const peer = dcpeer('offer');
  const page = await openConsole(browser);
  await page.type(answering(await peer.lines.wait(/^\{"type":"offer"/)));
  peer.paste(await page.lines.wait(/^\{"type":"answer"/));
  await page.lines.wait(/^Hello 3 from offerer$/);
  await page.type("channel.send('hello from the browser')");
  await peer.lines.wait(/received .*"hello from the browser"/);
  await page.type('channel.close()');
  return peer.exit;
}

async function browserOffers(browser) {
  const peer = dcpeer('answer');
  const page = await openConsole(browser);
  await page.type(offering);
  peer.paste(await page.lines.wait(/^\{"type":"offer"/));
  await page.type(`pc.setRemoteDescription(${await peer.lines.wait(/^\{"type":"answer"/)})`);
  await page.lines.wait(/^Hello 3 from answerer$/);
  await page.type("channel.send('hello from the browser')");
  await peer.lines.wait(/received .*"hello from the browser"/);
  // As a page that is closed.
  await page.type('pc.close()');
  return peer.exit;
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
console.log('1..2');
for (const [number, test] of [browserAnswers, browserOffers].entries()) {
  const status = await test(browser);
  console.log(`${status === 0 ? 'ok' : 'not ok'} ${number + 1} /recipe/${test.name}${status === 0 ? '' : ` # exit status ${status}`}`);
}
await browser.close();
