// A phone: the XMPP client stanza.js, a fake microphone and camera, an ear and an eye.
// Tests call the functions of `phone`; what happens is told with the binding `tell`.
import * as XMPP from "stanza";
import { exportToSDP, importFromSDP } from "stanza/jingle";
import { convertIntermediateToRequest, convertRequestToIntermediate } from "stanza/jingle/sdp/Protocol";

let client = null;
let session = null;
let channel = null;
let ear = null;
let eye = null;

const tell = (kind, more = {}) => window.tell(JSON.stringify({ kind, ...more }));

for (const kind of ["error", "unhandledrejection"]) {
  window.addEventListener(kind, (event) => tell("failed", { text: String(event.reason ?? event.message) }));
}

// -- the account --------------------------------------------------------------------------------

export async function login(jid, password, websocket, servers = []) {
  const bound = Promise.withResolvers();
  client = XMPP.createClient({ jid, password, transports: { websocket, bosh: false } });
  client.jingle.resetICEServers(); // else a public STUN server is asked
  servers.forEach((server) => client.jingle.addICEServer(server));
  client.on("raw:*", (name, xml) => tell("stanza", { direction: name.slice("raw:".length), xml }));
  client.on("session:started", (own) => bound.resolve(own));
  client.on("auth:failed", () => bound.reject(new Error("the server refused the password")));
  client.on("stream:error", (error) => bound.reject(new Error(JSON.stringify(error))));
  client.on("disconnected", () => bound.reject(new Error("the stream was closed")));
  client.on("subscribe", (presence) => client.acceptSubscription(presence.from));
  client.jingle.on("log:error", (text, ...more) => tell("complaint", { text, more: String(more) }));
  client.jingle.on("createdSession", watch);
  client.jingle.on("peerTrackAdded", (_, track) => sense(track));
  for (const kind of ["incoming", "accepted", "ringing", "hold", "resumed"]) {
    client.jingle.on(kind, () => tell(kind));
  }
  for (const kind of ["mute", "unmute"]) {
    client.jingle.on(kind, (_, info) => tell(kind, { content: info.name ?? null }));
  }
  client.jingle.on("terminated", (_, reason) => tell("terminated", { reason: reason?.condition ?? "" }));
  client.connect();
  const own = await bound.promise;
  await client.getRoster();
  client.updateCaps();
  client.sendPresence(client.getCurrentCaps());
  return own;
}

export function logout() {
  client.disconnect();
}

export const features = async (jid) => (await client.getDiscoInfo(jid)).features;

function watch(created) {
  session = created;
  session.pc.addEventListener("icegatheringstatechange", ({ target }) => {
    if (target.iceGatheringState === "complete") tell("gathered");
  });
  session.pc.addEventListener("connectionstatechange", ({ target }) =>
    tell("connection", { state: target.connectionState }));
  session.pc.addEventListener("iceconnectionstatechange", ({ target }) =>
    tell("ice", { state: target.iceConnectionState }));
  session.pc.addEventListener("datachannel", (event) => join(event.channel));
}

// -- the call -----------------------------------------------------------------------------------

let own = {};

async function devices(video) {
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const width = own.width ?? 320;
  const stream = await navigator.mediaDevices.getUserMedia({
    audio,
    video: video && { width, height: (width * 3) / 4, frameRate: 15 },
  });
  if (!own.tone) return stream;
  const context = new AudioContext();
  const oscillator = new OscillatorNode(context, { frequency: own.tone });
  const microphone = context.createMediaStreamDestination();
  oscillator.connect(new GainNode(context, { gain: 0.3 })).connect(microphone);
  oscillator.start();
  return new MediaStream([...microphone.stream.getTracks(), ...stream.getVideoTracks()]);
}

const KEYS = "telephone-event";

// What the phone is to be like in its next calls, all of it optional:
//   codecs     by kind of media, the one codec that it knows, beside pressed keys
//   prefers    by kind of media, the one codec that it lists when it answers
//   unbundled  it has a transport for each kind of media, as clients without BUNDLE do
//   relayed    it sends and receives through a TURN server alone
//   forged     the fingerprint that it tells is not its certificate's
//   tone       what its microphone gives in the place of beeps, in Hz
//   width      of its camera's picture; its height is three quarters of that
export function be(
  { codecs = {}, prefers = {}, unbundled = false, relayed = false, forged = false, tone, width },
) {
  own = { tone, width };
  const { jingle } = client;
  jingle.config.peerConnectionConfig.bundlePolicy = unbundled ? "max-compat" : "balanced";
  jingle.config.peerConnectionConfig.iceTransportPolicy = relayed ? "relay" : "all";
  jingle.on("createdSession", (created) => {
    const { accept, send, onSessionInitiate, start } = created;
    const list = (wanted) => {
      for (const transceiver of created.pc.getTransceivers()) {
        const { kind } = transceiver.receiver.track;
        if (kind in wanted) {
          transceiver.setCodecPreferences(RTCRtpReceiver.getCapabilities(kind).codecs
            .filter((one) => [wanted[kind], KEYS].some(
              (name) => one.mimeType.toLowerCase() === `${kind}/${name}`.toLowerCase())));
        }
      }
    };
    created.start = async (...options) => {
      list(codecs);
      await start.apply(created, options);
    };
    created.accept = async (...options) => {
      list(prefers);
      await accept.apply(created, options);
    };
    created.onSessionInitiate = (changes, done) => {
      for (const { application } of changes.contents) {
        if (application.media in codecs) {
          application.codecs = application.codecs
            .filter((one) => [codecs[application.media].toLowerCase(), KEYS].includes(one.name.toLowerCase()));
        }
      }
      if (unbundled) delete changes.groups;
      return onSessionInitiate.call(created, changes, done);
    };
    created.send = (action, data) => {
      if (unbundled) delete data?.groups;
      for (const { transport } of (forged && data?.contents) || []) {
        for (const one of transport?.fingerprints ?? []) one.value = one.value.replace(/[^:]/g, "0");
      }
      send.call(created, action, data);
    };
  });
}

export async function call(peer, video, data = false) {
  const outgoing = client.jingle.createMediaSession(peer, undefined, await devices(video));
  if (data) join(outgoing.pc.createDataChannel("notes"));
  await outgoing.processLocal("wait", async () => {}); // for the tracks, which are added in turn
  await outgoing.start();
  return outgoing.sid;
}

export async function accept(video) {
  const stream = await devices(video);
  for (const track of stream.getTracks()) {
    await session.addTrack(track, stream);
  }
  await session.accept();
}

export const ring = () => session.ring();
export const cancel = () => session.cancel();
export const decline = () => session.decline();
export const hangup = () => session.end();
export const vanish = () => session.end("gone", true);
export const hold = () => session.hold();
export const resume = () => session.resume();
export const restart = () => session.restartIce();

export async function mute(kind, on) {
  const content = session.pc.getTransceivers().find((one) => one.receiver.track.kind === kind).mid;
  session.pc.getSenders().filter((one) => one.track?.kind === kind)
    .forEach((one) => { one.track.enabled = !on; });
  await (on ? session.mute("initiator", content) : session.unmute("initiator", content));
}

// Press keys (RTCDTMFSender), to the last.
export async function press(keys, duration, gap) {
  const { dtmf } = session.pc.getSenders().find((one) => one.track?.kind === "audio");
  if (!dtmf.canInsertDTMF) throw new Error("the bot has not agreed to telephone-event");
  const over = Promise.withResolvers();
  dtmf.addEventListener("tonechange", ({ tone }) => tone === "" && over.resolve());
  dtmf.insertDTMF(keys, duration, gap);
  await over.promise;
}

function join(opened) {
  channel = opened;
  channel.binaryType = "arraybuffer";
  channel.addEventListener("open", () => tell("channel"));
  channel.addEventListener("message", ({ data }) => tell("data", typeof data === "string"
    ? { text: data } : { octets: [...new Uint8Array(data)] }));
}

export function say(text, octets) {
  channel.send(text);
  channel.send(new Uint8Array(octets));
}

// Video in mid-call (XEP-0166 §7.2.2): stanza.js has all that it takes, but no call for it.
export async function addVideo() {
  const { pc } = session;
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240, frameRate: 15 } });
  await session.addTrack(stream.getTracks()[0], stream);
  session.onContentAccept = async (changes, done) => {
    const described = importFromSDP(pc.remoteDescription.sdp);
    const accepted = convertRequestToIntermediate(changes, session.peerRole);
    described.media.push(...accepted.media);
    if (accepted.groups.length) described.groups = accepted.groups;
    // What was an offer when the call began is part of an answer now.
    for (const media of described.media) media.setup = accepted.media[0].setup;
    try {
      await pc.setRemoteDescription({ type: "answer", sdp: exportToSDP(described) });
      done();
    } catch (error) {
      tell("failed", { text: String(error) });
      done({ condition: "bad-request" });
    }
  };
  await session.processLocal("content-add", async () => {
    const known = pc.getTransceivers().map((one) => one.mid);
    const offer = await pc.createOffer();
    const { contents, groups } = convertIntermediateToRequest(
      importFromSDP(offer.sdp), session.role, session.transportType);
    const added = contents.filter(({ name }) => !known.includes(name));
    for (const content of added) content.creator = session.role;
    await pc.setLocalDescription(offer);
    session.send("content-add", { contents: added, groups });
  });
}

// And back (XEP-0166 §7.2.5).
export async function removeVideo() {
  const { mid, sender } = session.pc.getTransceivers().find((one) => one.receiver.track.kind === "video");
  sender.track.stop();
  await session.processLocal("content-remove", async () => session.send("content-remove", {
    contents: [{ creator: session.role, name: mid }],
    reason: { condition: "success" },
  }));
}

// -- what comes of it ---------------------------------------------------------------------------

function sense(track) {
  const stream = new MediaStream([track]);
  if (track.kind === "audio") {
    // Chromium decodes a remote track for an analyser only if an element plays it as well.
    const element = Object.assign(new Audio(), { srcObject: stream, muted: true });
    element.play();
    const context = new AudioContext();
    ear = context.createAnalyser();
    ear.fftSize = 8192;
    ear.smoothingTimeConstant = 0;
    ear.element = element;
    context.createMediaStreamSource(stream).connect(ear);
  } else {
    eye = Object.assign(document.createElement("video"), { srcObject: stream, muted: true });
    eye.play();
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// What the ear hears now: the loudest frequency (Hz), its level and that of all (dBFS).
export function hear() {
  if (!ear) return null;
  const spectrum = new Float32Array(ear.frequencyBinCount);
  ear.getFloatFrequencyData(spectrum);
  const loudest = spectrum.indexOf(Math.max(...spectrum));
  const samples = new Float32Array(ear.fftSize);
  ear.getFloatTimeDomainData(samples);
  const power = samples.reduce((sum, one) => sum + one * one, 0) / samples.length;
  return {
    frequency: (loudest * ear.context.sampleRate) / ear.fftSize,
    level: Math.max(-120, spectrum[loudest]),
    loudness: Math.max(-120, 10 * Math.log10(power)),
  };
}

// The two tones of a key that are heard now (Hz), of each group the loudest, and the weaker's level.
export function hearKey() {
  if (!ear) return null;
  const spectrum = new Float32Array(ear.frequencyBinCount);
  ear.getFloatFrequencyData(spectrum);
  const width = ear.context.sampleRate / ear.fftSize;
  const loudest = (from, to) => {
    let best = Math.round(from / width);
    for (let at = best; at < to / width; at += 1) if (spectrum[at] > spectrum[best]) best = at;
    return { frequency: best * width, level: Math.max(-120, spectrum[best]) };
  };
  const [low, high] = [loudest(650, 1000), loudest(1150, 1700)];
  return { low: low.frequency, high: high.frequency, level: Math.min(low.level, high.level) };
}

// What the eye sees now: the picture's size, and its luma (0 to 255) scaled to 160 x 120.
export function see() {
  const [width, height] = [eye?.videoWidth ?? 0, eye?.videoHeight ?? 0];
  const luma = [];
  if (width && height) {
    const canvas = new OffscreenCanvas(160, 120);
    const paper = canvas.getContext("2d", { willReadFrequently: true });
    paper.drawImage(eye, 0, 0, canvas.width, canvas.height);
    const { data } = paper.getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < data.length; i += 4) {
      luma.push(Math.round(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]));
    }
  }
  return { width, height, luma };
}

// Bytes each way by kind of media, and the candidates in use by transport (getStats()).
export async function statistics() {
  const report = await session.pc.getStats();
  const found = { audio: { sent: 0, received: 0 }, video: { sent: 0, received: 0 }, pairs: [] };
  for (const one of report.values()) {
    if (one.type === "outbound-rtp") found[one.kind].sent += one.bytesSent;
    if (one.type === "inbound-rtp") found[one.kind].received += one.bytesReceived;
    if (one.type === "transport" && one.selectedCandidatePairId) {
      const pair = report.get(one.selectedCandidatePairId);
      const [local, remote] = [report.get(pair.localCandidateId), report.get(pair.remoteCandidateId)];
      found.pairs.push({
        local: `${local.address}:${local.port}`, localType: local.candidateType,
        remote: `${remote.address}:${remote.port}`, remoteType: remote.candidateType,
      });
    }
  }
  return found;
}

// How many pictures were sent, and how received video gets through, in Chromium's own words (webrtc-stats), times in seconds.
export async function picture() {
  const report = await session.pc.getStats();
  const video = (wanted) => [...report.values()].find(({ type, kind }) => type === wanted && kind === "video");
  const one = video("inbound-rtp");
  return one && {
    sent: video("outbound-rtp").framesSent,
    at: one.timestamp / 1000, lost: one.packetsLost, shown: one.framesDecoded, dropped: one.framesDropped,
    freezes: one.freezeCount ?? 0, frozen: one.totalFreezesDuration ?? 0,
    nacks: one.nackCount, plis: one.pliCount, repaired: one.retransmittedPacketsReceived ?? 0,
  };
}

// How many transports are connected.
export async function transports() {
  const report = await session.pc.getStats();
  return [...report.values()].filter((one) => one.type === "transport" && one.dtlsState === "connected").length;
}

// Return what `look` gives once `good` holds for it; after `seconds`, what it gives then.
export async function until(look, good, seconds) {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if ((found && good(found)) || performance.now() > deadline) return found;
    await pause(50);
  }
}
