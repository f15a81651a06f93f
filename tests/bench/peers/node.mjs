// SPDX-License-Identifier: LGPL-2.1-or-later
// node.mjs STACK URL ROOM offer|answer|both N: a peer of `./dev bench channels` (see README.md) with a WebRTC stack for Node:
// wrtc, node-datachannel or werift.
import '../../interop/echo.js';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

// The packages are installed elsewhere, see `./dev bench channels --install`.
const require = createRequire(`${process.env.NODE_PACKAGES ?? process.cwd()}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)));

// --- The stacks ---

/** As much of the W3C's API as meet() needs, right on libdatachannel's: the package's own polyfill makes an event of each message. */
function wrapLibdatachannel({ PeerConnection }) {
  class Channel {
    constructor(native) {
      this.native = native;
      this.send = (data) => native.sendMessageBinary(data);
    }

    get readyState() { return this.native.isOpen() ? 'open' : 'connecting'; }
    get bufferedAmount() { return this.native.bufferedAmount(); }
    get maxMessageSize() { return this.native.maxMessageSize(); }
    set bufferedAmountLowThreshold(value) { this.native.setBufferedAmountLowThreshold(value); }
    set onbufferedamountlow(handler) { this.native.onBufferedAmountLow(handler); }
    set onopen(handler) { this.native.onOpen(handler); }
    set onclose(handler) { this.native.onClosed(handler); }
    set onmessage(handler) { this.native.onMessage((data) => handler({ data })); }
  }

  return class {
    constructor() {
      this.native = new PeerConnection('bench', { iceServers: [] });
      this.native.onStateChange((state) => {
        this.connectionState = state;
        this.onconnectionstatechange();
      });
      this.native.onDataChannel((channel) => this.ondatachannel({ channel: new Channel(channel) }));
      this.native.onLocalCandidate((candidate) => this.onicecandidate({ candidate: { candidate } }));
      this.native.onLocalDescription((sdp, type) => this.described?.({ sdp, type }));
    }

    createDataChannel(label) {
      return this.describe(() => new Channel(this.native.createDataChannel(label)));
    }

    // It describes itself as soon as there is something to describe.
    describe(step) {
      this.description = new Promise((resolve) => { this.described = resolve; });
      return step();
    }

    createOffer() { return this.description; }
    createAnswer() { return this.description; }
    async setLocalDescription() {}
    async setRemoteDescription({ sdp, type }) {
      this.describe(() => this.native.setRemoteDescription(sdp, type));
    }
    async addIceCandidate({ candidate }) { this.native.addRemoteCandidate(candidate, '0'); }
  };
}

const stacks = {
  wrtc: async () => (await load('@roamhq/wrtc')).default.RTCPeerConnection,
  'node-datachannel': async () => wrapLibdatachannel((await load('node-datachannel')).default),
  werift: async () => (await load('werift')).RTCPeerConnection,
};

// --- Ends ---

const ends = [];
let echoing = false;
let ping = null;
const clock = process.hrtime.bigint;
const say = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);
const fail = (error) => { say({ error: String(error?.message ?? error) }); process.exit(1); };

/** One end of a channel. */
class End {
  constructor(offers) {
    this.offers = offers;
    this.bytes = this.messages = this.sent = 0;
    this.sending = null;
    this.timer = this.turn = null;
    this.opened = new Promise((resolve) => { this.open = resolve; });
  }

  attach(channel) {
    this.channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.onbufferedamountlow = () => this.fill();
    channel.bufferedAmountLow?.subscribe(() => this.fill()); // werift's way
    channel.onopen = () => this.open();
    channel.onmessage = ({ data }) => this.receive(data);
    if (channel.readyState === 'open')
      this.open();
  }

  receive(data) {
    this.bytes += data.byteLength;
    this.messages++;
    if (!echoing)
      return;
    if (this.offers)
      ping?.back();
    else
      this.channel.send(Buffer.from(data));
  }

  start(length, high) {
    this.sending = { data: Buffer.alloc(length, 1), high };
    this.channel.bufferedAmountLowThreshold = high / 2;
    this.fill();
  }

  fill() {
    clearTimeout(this.timer);
    clearImmediate(this.turn);
    if (!this.sending)
      return;
    const { data, high } = this.sending;
    try {
      // To ask is costly with some, and commands must be heard even where nothing is ever buffered.
      let room = high - this.channel.bufferedAmount;
      for (let i = 0; i < 1024 && room > 0; i++, room -= data.length) {
        this.channel.send(data);
        this.sent += data.length;
      }
      // With @roamhq/wrtc bufferedamountlow may fail to come (node-webrtc/node-webrtc#305).
      if (room > 0)
        this.turn = setImmediate(() => this.fill());
      else
        this.timer = setTimeout(() => this.fill(), 20);
    } catch (error) {
      fail(error);
    }
  }
}

// --- Commands ---

const [stack, url, room, role, first] = process.argv.slice(2);

async function open(RTCPeerConnection, WebSocket, n) {
  const added = [];
  for (let i = 0; i < n; i++) {
    const number = ends.length / (role === 'both' ? 2 : 1);
    for (const offer of [false, true].filter((offers) => role === 'both' || offers === (role === 'offer'))) {
      const end = new End(offer);
      ends.push(end);
      added.push(end);
      globalThis.meet({ RTCPeerConnection, WebSocket },
        { url, room: `${room}-${number}`, id: offer ? 'offer' : 'answer', offer, channels: offer ? [{ label: 'bench' }] : [] },
        (line) => { if (/^(connection )?(failed|error)/.test(line)) fail(line); },
        (channel) => end.attach(channel));
    }
  }
  await Promise.all(added.map((end) => end.opened));
  say({ open: ends.length });
}

function count() {
  const sum = (key) => ends.reduce((total, end) => total + end[key], 0);
  const { user, system } = process.cpuUsage();
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'ascii'))[1]);
  say({ at: Number(clock()), bytes: sum('bytes'), messages: sum('messages'), sent: sum('sent'), cpu: user + system, rss });
}

/** Round trips on the first channel: one after the other, or with an interval (in µs) whether the one before is back or not. */
class Ping {
  constructor(length, interval, duration) {
    this.end = ends.find((end) => end.offers);
    this.data = Buffer.alloc(length, 1);
    this.interval = BigInt(interval) * 1000n;
    this.times = [];
    this.under = [];
    this.more = true;
    this.next = clock();
    this.until = this.next + BigInt(duration) * 1000000n;
  }

  send() {
    this.under.push(clock());
    this.end.channel.send(this.data);
  }

  step() {
    if (!this.interval)
      return this.send();
    for (; this.next <= clock() && this.next < this.until; this.next += this.interval)
      this.send();
    this.more = this.next < this.until;
    if (this.more)
      setTimeout(() => this.step(), 1);
  }

  back() {
    const now = clock();
    this.times.push(Number(now - this.under.shift()) / 1000);
    if (!this.interval) {
      this.more = now < this.until;
      if (this.more)
        this.send();
    }
    if (!this.more && this.under.length === 0)
      say({ rtt: this.times });
  }
}

const commands = {
  count,
  send: (length, who, high) => {
    ends.filter((end) => who === 'both' || end.offers === (who === 'offer')).forEach((end) => end.start(Number(length), Number(high)));
    say({ sending: true });
  },
  stop: () => {
    ends.forEach((end) => { end.sending = null; });
    count();
  },
  echo: (on) => {
    echoing = on === '1';
    say({ echo: echoing });
  },
  ping: (...words) => {
    ping = new Ping(...words.map(Number));
    ping.step();
  },
};

process.on('uncaughtException', fail);
const RTCPeerConnection = await stacks[stack]();
const WebSocket = (await load('ws')).default;
const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const [command, ...words] = line.split(' ');
  if (command === 'open')
    open(RTCPeerConnection, WebSocket, Number(words[0])).catch(fail);
  else
    commands[command](...words);
});
input.on('close', () => process.exit(0));
await open(RTCPeerConnection, WebSocket, Number(first));
