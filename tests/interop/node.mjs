// SPDX-License-Identifier: LGPL-2.1-or-later
// node.mjs STACK URL ROOM ID offer|answer [CHANNELS]: echo.js with a WebRTC stack for Node: wrtc, node-datachannel or werift.
import './echo.js';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// The packages are installed elsewhere, see `./dev interop`.
const require = createRequire(`${process.env.NODE_PACKAGES ?? process.cwd()}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)));

// What each takes beside that; libdatachannel says 256 KiB unless it is told to take more.
const configurations = { 'node-datachannel': { maxMessageSize: 1048576 } };

const stacks = {
  wrtc: async () => (await load('@roamhq/wrtc')).default,
  'node-datachannel': async () => load('node-datachannel/polyfill'),
  werift: async () => load('werift'),
};

const [stack, url, room, id, role, channels = '[]'] = process.argv.slice(2);
const { RTCPeerConnection } = await stacks[stack]();
const WebSocket = (await load('ws')).default;

const configuration = configurations[stack];

globalThis.meet({ RTCPeerConnection, WebSocket, configuration }, { url, room, id, offer: role === 'offer', channels: JSON.parse(channels) },
  (line) => console.log(line));
// Until standard input ends.
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
