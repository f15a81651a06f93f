// SPDX-License-Identifier: LGPL-2.1-or-later
// echo.js: a peer for every stack that has the W3C's API: browsers, and libraries for Node.
//
// It meets another peer through dcsignald (data/signaling-protocol.md), has data channels with it and sends back what comes on them. Nothing
// of it is special to tests but echo() at the end. (tests/bench measures with meet(), too.)

/**
 * Joins the room and waits for the other peer, or calls it.
 *
 * @param {object} stack    {RTCPeerConnection, WebSocket, configuration: (optional) of the former}
 * @param {object} options  {url, room, id, offer: whether to call, channels: [{label, ...RTCDataChannelInit}]}
 * @param {function} log    is given one line for each thing that happens
 * @param {function} attach what is done with a channel, as soon as there is one
 */
function meet(stack, options, log, attach = echo) {
  const socket = new stack.WebSocket(`${options.url}/v1/ws`, 'datachannel.v1');
  const pc = new stack.RTCPeerConnection({ iceServers: [], ...stack.configuration });
  let seq = 0;
  let seen = 0;
  let remote = null;
  let call = null;
  let described = false;
  const early = [];

  const say = (message) => socket.send(JSON.stringify(message));
  const tell = (message) => say({ ...message, seq: ++seq, to: remote, call });

  pc.onconnectionstatechange = () => log(`connection ${pc.connectionState}`);
  pc.ondatachannel = (event) => attach(event.channel, log);
  pc.onicecandidate = ({ candidate }) => {
    if (candidate && candidate.candidate)
      tell({ type: 'candidate', candidate: candidate.candidate, mline: candidate.sdpMLineIndex ?? 0 });
    else
      tell({ type: 'end-of-candidates' });
  };

  async function start(id) {
    remote = id;
    call = `call-${options.id}`;
    for (const { label, ...init } of options.channels)
      attach(pc.createDataChannel(label, init), log);
    const offer = await pc.createOffer();
    tell({ type: 'offer', sdp: offer.sdp });
    await pc.setLocalDescription(offer);
  }

  async function answer(message) {
    remote = message.from;
    call = message.call;
    // What both sides make must be there before the description.
    for (const { label, ...init } of options.channels.filter((channel) => channel.negotiated))
      attach(pc.createDataChannel(label, init), log);
    await pc.setRemoteDescription({ type: 'offer', sdp: message.sdp });
    const description = await pc.createAnswer();
    tell({ type: 'answer', sdp: description.sdp });
    await pc.setLocalDescription(description);
    await takeEarly();
  }

  async function take(candidate) {
    if (described)
      await pc.addIceCandidate(candidate).catch((error) => log(`candidate refused: ${error.message}`));
    else
      early.push(candidate);
  }

  async function takeEarly() {
    described = true;
    for (const candidate of early.splice(0))
      await take(candidate);
  }

  const handlers = {
    welcome: async ({ peers }) => {
      log('registered');
      if (options.offer && peers.length > 0)
        await start(peers[0].id);
    },
    joined: async ({ id }) => {
      if (options.offer && !remote)
        await start(id);
    },
    offer: answer,
    answer: async ({ sdp }) => {
      await pc.setRemoteDescription({ type: 'answer', sdp });
      await takeEarly();
    },
    candidate: ({ candidate, mline }) => take({ candidate, sdpMLineIndex: mline, sdpMid: options.mid ?? undefined }),
    bye: ({ reason }) => log(`bye: ${reason ?? ''}`),
    error: ({ message }) => log(`error: ${message}`),
  };

  socket.onopen = () => say({
    type: 'hello', room: options.room, id: options.id,
    meta: { role: options.offer ? 'offerer' : 'answerer', channels: options.offer ? options.channels.map(({ label }) => ({ label, mode: 'raw' })) : [{ mode: 'raw', any: true }] },
  });
  // One after the other: a candidate must not overtake its description.
  let turn = Promise.resolve();
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.seq && message.type !== 'ack' && message.type !== 'error') {
      if (message.seq <= seen)
        return;
      seen = message.seq;
      say({ type: 'ack', seq: seen });
    }
    turn = turn.then(() => handlers[message.type]?.(message)).catch((error) => log(`failed: ${error.stack ?? error}`));
  };
  return pc;
}

/**
 * Sends back what comes, of the same kind, and does what it is told by texts that begin with "!":
 *   !close           closes the channel
 *   !count           says how many messages have come (these commands not among them), and how many bytes
 *   !quiet           sends nothing back from now on
 *   !send N SIZE     sends N messages of SIZE bytes, each beginning with its number
 */
function echo(channel, log) {
  const waiting = [];
  let timer = null;
  let quiet = false;
  let messages = 0;
  let bytes = 0;

  channel.binaryType = 'arraybuffer';
  channel.bufferedAmountLowThreshold = 65536;
  channel.onbufferedamountlow = () => flush();
  channel.bufferedAmountLow?.subscribe(() => flush()); // werift's way
  let told = false;
  // Some tell it twice.
  channel.onopen = () => {
    if (!told)
      log(`open ${describe(channel)}`);
    told = true;
    flush(); // with some, messages come before this
  };
  channel.onclose = () => log(`closed ${channel.label}`);
  channel.onmessage = ({ data }) => {
    if (typeof data === 'string' && data.startsWith('!'))
      return obey(...data.slice(1).split(' '));
    messages++;
    bytes += typeof data === 'string' ? new TextEncoder().encode(data).length : data.byteLength;
    if (!quiet)
      send(data);
  };
  if (channel.readyState === 'open')
    channel.onopen();

  function send(data) {
    waiting.push(data);
    flush();
  }

  // More than this and some stacks throw it away, or end the channel.
  function flush() {
    while (waiting.length > 0 && channel.readyState === 'open' && channel.bufferedAmount < 1048576)
      channel.send(waiting.shift());
    // With @roamhq/wrtc bufferedamountlow may fail to come (node-webrtc/node-webrtc#305).
    if (waiting.length > 0 && timer === null)
      timer = setTimeout(() => { timer = null; flush(); }, 100);
  }

  function obey(command, n, size) {
    if (command === 'close')
      channel.close();
    else if (command === 'count')
      send(`${messages} ${bytes}`);
    else if (command === 'quiet')
      quiet = true;
    else if (command === 'send')
      for (let i = 0; i < Number(n); i++)
        send(new TextEncoder().encode(String(i).padEnd(Number(size))));
  }
}

function describe({ label, protocol, ordered, maxRetransmits, maxPacketLifeTime, negotiated }) {
  // Older ones have 65535 where there is no limit.
  const limit = (value) => (value === 65535 ? null : value ?? null);
  return JSON.stringify({ label, protocol, ordered, maxRetransmits: limit(maxRetransmits), maxPacketLifeTime: limit(maxPacketLifeTime), negotiated: negotiated ?? false });
}

globalThis.meet = meet;
