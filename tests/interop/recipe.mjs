// SPDX-License-Identifier: LGPL-2.1-or-later
// recipe.mjs [BROWSER...]: copy and paste between `dcpeer --manual` and the console of a browser, by the recipe of the README, in both roles.
// Nothing is brought across but what the two sides print. DCPEER names the program.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { isInstalled, launch, names } from './launch.mjs';

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

const wanted = process.argv.length > 2 ? process.argv.slice(2) : names;
const tests = [browserAnswers, browserOffers];
let number = 0;
console.log(`1..${wanted.length * tests.length}`);
for (const name of wanted) {
  const browser = isInstalled(name) ? await launch(name) : null;
  for (const test of tests) {
    const title = `${++number} /recipe/${name}/${test.name}`;
    const status = browser ? await test(browser) : 0;
    const remark = browser ? `exit status ${status}` : 'SKIP it is not installed; ./dev interop does that';
    console.log(`${status === 0 ? 'ok' : 'not ok'} ${title}${browser && status === 0 ? '' : ` # ${remark}`}`);
  }
  await browser?.close();
}
