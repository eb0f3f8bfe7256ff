// Hearing a call and talking in it: one WHEP resource for each direction, one WHIP resource for the person.
import {accountPath, ask, callPath, get, Problem} from "./api.js";
import {board, key} from "./board.js";
import {close, h, open} from "./dom.js";
import {notify} from "./view.js";

/** @typedef {"join" | "take-over" | "take" | "place"} How how somebody came to talk: "take" answered a call that rang */
/** @typedef {{resource: Resource, stream: MediaStream, how: How}} Own */
/** @typedef {Pick<import("./board.js").Call, "account" | "id" | "media">} Talk what is known of a call as soon as it is placed */

/** What this person talks in. It goes on whatever the page shows. @type {Map<string, LiveMedia>} */
const spoken = new Map();
/** Told when somebody begins or ends to talk here, and when what they talk in is shown elsewhere. */
export const talking = new EventTarget();

/** The calls in which this person talks. */
export function spokenCalls() {
  return [...spoken.keys()].flatMap(one => board.calls.get(one) ?? []);
}

/** End all talk of this person. */
export function endTalk() { for (const one of [...spoken.values()]) one.close(); }

/** Have the browser ask before the page goes. @param {Event} event */
function keep(event) { event.preventDefault(); }

function talkChanged() {
  if (spoken.size) addEventListener("beforeunload", keep); else removeEventListener("beforeunload", keep);
  talking.dispatchEvent(new Event("change"));
}

board.addEventListener("change", () => { for (const one of [...spoken.values()]) one.follow(); });

/** How connections reach the board, as its file says; asked for anew when that failed. @type {Promise<RTCConfiguration> | null} */
let network = null;

/** Codecs that calls have, and the kinds of H.264. A browser offers many more of each, which takes the board's time to read. */
const CODECS = /\/(opus|PCM[AU]|VP8|H264|rtx)$/i;
const BASELINE = /(?=.*packetization-mode=1\b).*profile-level-id=42/i;

/**
 * Offers to hear something that wait for a click, what they offer, and where somebody came near last. They are
 * of no call yet. Neither the browser nor the board has opened anything for them.
 * @type {{place: Element | null, kinds: string, offers: Offer[]}}
 */
let waiting = {place: null, kinds: "", offers: []};

/** What is offered to hear a call: a connection for each direction. */
const DIRECTIONS = /** @type {const} */ ([["received", "Peer"], ["sent", "Bot"]]);

/** Find out how connections reach the board, before somebody waits for one. */
export function findWay() {
  network ??= reach();
  network.catch(() => { network = null; });
  return network;
}

/** @returns {Promise<RTCConfiguration>} */
async function reach() {
  const {relay, only} = await get("/api/media");
  const {urls, username, credential} = relay ?? {};
  return {iceServers: relay ? [username ? {urls, username, credential} : {urls}] : [], iceTransportPolicy: only ? "relay" : "all"};
}

/** @param {string} kind */
function known(kind) {
  return (RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [])
    .filter(one => CODECS.test(one.mimeType) && (!/H264$/i.test(one.mimeType) || BASELINE.test(one.sdpFmtpLine ?? "")));
}

/** @param {boolean} video */
async function ownMedia(video) {
  if (!navigator.mediaDevices) throw new Error("The browser gives a microphone only over HTTPS, or on this machine: see docs/board.md.");
  try {
    return await navigator.mediaDevices.getUserMedia({audio: true, video});
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    throw new Error(`${video ? "The microphone or the camera" : "The microphone"} ${REFUSALS[name] ?? `can't be used: ${error}`}.`, {cause: error});
  }
}

/** What a browser's error means (W3C Media Capture and Streams, §10.2), and what to do. @type {Record<string, string>} */
const REFUSALS = {
  NotAllowedError: "is not allowed to this page: allow it beside the address, or in the system's settings, and try again",
  SecurityError: "is not allowed to this page: allow it beside the address, or in the system's settings, and try again",
  NotFoundError: "was not found: connect one, and try again",
  NotReadableError: "can't be read: close other programs that use it, and try again",
  AbortError: "can't be read: connect it again, and try again",
  OverconstrainedError: "was not found: connect one, and try again",
};

/** @param {MediaStream} stream */
function drop(stream) { for (const track of stream.getTracks()) track.stop(); }

/** Send what the person says and shows. @param {string} target @param {MediaStream} stream */
async function talkAt(target, stream) {
  try {
    return await Resource.make(target, new Offer(connection => {
      for (const track of stream.getTracks()) connection.addTransceiver(track, {direction: "sendonly", streams: [stream]});
    }));
  } catch (error) {
    drop(stream);
    throw error;
  }
}

/**
 * Call somebody with the person's own microphone, and camera.
 * @param {string} account @param {string} peer @param {boolean} video
 */
export async function callSomebody(account, peer, video) {
  const stream = await ownMedia(video);
  const resource = await talkAt(`${accountPath(account)}/talk?to=${encodeURIComponent(peer)}`, stream);
  new LiveMedia({account, id: resource.call, media: video ? ["audio", "video"] : ["audio"]}).take({resource, stream, how: "place"});
  board.place({account, id: resource.call});
}

/** A connection that makes an offer, and opens nothing. */
class Offer {
  isOver = false;
  /** @type {RTCPeerConnection | null} */
  connection = null;

  /** @param {(connection: RTCPeerConnection) => void} prepare */
  constructor(prepare) {
    this.made = this.make(prepare);
    this.made.catch(() => {});  // who takes it is told why
  }

  /** @param {(connection: RTCPeerConnection) => void} prepare */
  async make(prepare) {
    const way = await findWay();
    if (this.isOver) throw new Error("The offer was not needed any more.");
    const connection = this.connection = new RTCPeerConnection(way);
    try {
      prepare(connection);
      return {connection, sdp: (await connection.createOffer()).sdp ?? ""};
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Let it go, also while it is being made. */
  close() {
    this.isOver = true;
    this.connection?.close();
  }
}

/** Offer to hear something. @param {string[]} kinds */
function offerToHear(kinds) {
  return new Offer(connection => {
    for (const kind of kinds) connection.addTransceiver(kind, {direction: "recvonly"}).setCodecPreferences(known(kind));
  });
}

/** Have offers ready for who is about to hear a call. @param {Element} place where that is @param {string[]} kinds */
export function getReady(place, kinds) {
  if (waiting.kinds !== String(kinds)) letGo(waiting.place);
  waiting.place = place;
  waiting.kinds = String(kinds);
  while (waiting.offers.length < DIRECTIONS.length) {
    const offer = offerToHear(kinds);
    offer.made.catch(() => { waiting.offers = waiting.offers.filter(one => one !== offer); });
    waiting.offers.push(offer);
  }
}

/** Need the offers no more that somebody has come near to. @param {Element | null} place where that was */
export function letGo(place) {
  if (waiting.place === place) for (const one of waiting.offers.splice(0)) one.close();
}

/** Take an offer that is ready, or make one. @param {string[]} kinds */
function ready(kinds) {
  return (waiting.kinds === String(kinds) && waiting.offers.shift()) || offerToHear(kinds);
}

/** A connection that an offer over HTTP has made (WHEP, WHIP: RFC 9725). */
class Resource {
  /** @param {RTCPeerConnection} connection @param {string} location @param {string} call */
  constructor(connection, location, call) {
    this.connection = connection;
    this.location = location;
    /** The call that it has placed, if it has. */
    this.call = call;
    /** What carries it, once somebody waits for its end. @type {RTCDtlsTransport | null | undefined} */
    this.transport = null;
  }

  /** @param {string} target @param {Offer} offer */
  static async make(target, offer) {
    const {connection, sdp} = await offer.made;
    try {
      // Sent at once, without candidates: the answer has all of the board's, and ours are learned from the checks.
      const [answer] = await Promise.all([
        fetch(target, {method: "POST", headers: {"Content-Type": "application/sdp"}, body: sdp, credentials: "same-origin"}),
        connection.setLocalDescription({type: "offer", sdp}),
      ]);
      const text = await answer.text();
      if (!answer.ok) throw refused(answer.status, text);
      await connection.setRemoteDescription({type: "answer", sdp: text});
      const call = /<\/api\/calls\/([^>]+)>; rel="related"/.exec(answer.headers.get("Link") ?? "")?.[1] ?? "";
      return new Resource(connection, answer.headers.get("Location") ?? "", decodeURIComponent(call));
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Have something done when the other side has ended it, with why. @param {(why: string) => void} then */
  onEnd(then) {
    const transport = this.transport = this.connection.getTransceivers().map(one => one.receiver.transport).find(Boolean);
    const look = async () => {
      if (![this.connection.connectionState, transport?.state].some(state => state === "closed" || state === "failed")) return;
      this.forget();
      const lost = "the connection was lost";
      then(await ask("DELETE", this.location).then(() => lost, error => [401, 410].includes(error.status) ? error.message : lost));
    };
    this.connection.onconnectionstatechange = look;
    // Chromium learns at once that its transport was closed, and only when ICE fails that the connection was.
    if (transport) transport.onstatechange = look;
  }

  /** Look no more whether it has ended. */
  forget() {
    this.connection.onconnectionstatechange = null;
    if (this.transport) this.transport.onstatechange = null;
  }

  close() {
    this.forget();
    this.connection.close();
    if (this.location) fetch(this.location, {method: "DELETE", credentials: "same-origin", keepalive: true}).catch(() => {});
  }
}

/** @param {number} status @param {string} text */
function refused(status, text) {
  try {
    const told = JSON.parse(text);
    return new Problem(status, told.type, told.detail);
  } catch {
    return new Problem(status, "", status === 404 || status === 405 ? "This board can't do that." : `refused (${status})`);
  }
}

export class LiveMedia {
  /** Where it is shown, and what is done there when it has changed. @type {Element | null} */
  place = null;
  changed = () => {};
  /** Whether the board has told of the call. */
  isKnown = false;

  /** @param {Talk} call */
  constructor(call) {
    this.call = call;
    /** @type {Resource[]} */
    this.heard = [];
    /** @type {Own | null} */
    this.own = null;
    /** Whether the peer is to be heard once the call is connected. */
    this.waits = false;
    /** Whether it is about to hear the call, and whether nobody is there any more. */
    this.begins = this.isOver = false;
    this.screens = h("div.screens", {});
  }

  /** Find what this person says in a call. @param {Talk} call */
  static of(call) { return spoken.get(key(call)); }

  /** Show it in a place, in no other one any more. @param {Element} place @param {() => void} changed */
  showAt(place, changed) {
    this.changed = changed;
    if (this.place === place) return;
    this.place = place;
    if (this.screens.childElementCount) place.prepend(this.screens);
    for (const one of this.screens.querySelectorAll(/** @type {"video"} */ ("video, audio"))) one.play().catch(() => {});  // moving it has stopped it
    if (this.talks) talkChanged();
  }

  /** Show it in a place no more: what is only heard ends, and what this person says goes on. @param {Element} place */
  leave(place) {
    if (this.place !== place) return;
    this.place = null;
    this.changed = () => {};
    if (this.talks) talkChanged(); else this.close();
  }

  /** Go on with the call, and end with it. */
  follow() {
    const now = board.calls.get(key(this.call));
    if (now) this.call = now;
    else if (this.isKnown || board.records.has(key(this.call))) this.close();
    this.isKnown ||= Boolean(now);
  }

  get hears() { return this.heard.length > 0; }
  get talks() { return this.own !== null; }

  async listen() {
    if (this.begins) return;
    this.begins = true;
    this.place?.prepend(this.screens);
    try {
      // Whoever talks hears the peer alone: what is sent is their own voice.
      const wanted = DIRECTIONS.slice(0, this.talks ? 1 : 2);
      const found = await Promise.allSettled(wanted.map(([direction, words]) => this.hear(direction, words)));
      for (const one of found) if (one.status === "fulfilled") this.heard.push(one.value);
      const failed = found.find(one => one.status === "rejected");
      if (failed) throw failed.reason;
      if (this.isOver) this.stopListening();
    } catch (error) {
      this.stopListening();
      throw error;
    } finally {
      this.begins = false;
    }
    this.changed();
  }

  /** @param {string} direction @param {string} words */
  async hear(direction, words) {
    const stream = new MediaStream();
    const hasPictures = this.call.media.includes("video");
    // A player of sound has room for its controls in one line, which one of pictures has not.
    const screen = h(hasPictures ? "video" : "audio", {autoplay: true, playsInline: true, controls: !hasPictures, "aria-label": `${words}, live`});
    // Chromium lays controls that it has made for sound alone over the pictures.
    screen.onresize = () => { screen.controls = screen.videoWidth > 0; };
    const figure = h("figure.screen", {}, screen, h("figcaption", {}, words));
    if (!hasPictures) figure.classList.add("sound");
    this.screens.append(figure);
    const play = () => screen.play().catch(() => {});  // Firefox does not begin by itself with a stream that was empty
    const offer = ready(this.call.media);
    const {connection} = await offer.made;
    // The sound alone at first: Chromium plays nothing of what was empty, or has pictures, before the first one is there.
    for (const {receiver} of connection.getTransceivers()) if (receiver.track.kind === "audio") stream.addTrack(receiver.track);
    screen.srcObject = stream;
    play();
    connection.ontrack = event => {
      stream.addTrack(event.track);
      play();
    };
    const target = `${callPath(this.call.id)}/listen/${direction}?account=${encodeURIComponent(this.call.account)}`;
    const resource = await Resource.make(target, offer);
    resource.onEnd(why => {
      if (board.find(this.call.id, this.call.account)) notify(`${words}: ${why}`, "bad");
      this.stopListening();
    });
    return resource;
  }

  stopListening() {
    for (const one of this.heard.splice(0)) one.close();
    for (const one of this.screens.querySelectorAll("figure:not(.own)")) one.remove();
    if (!this.talks) this.screens.remove();
    this.changed();
  }

  async askHowToTalk() {
    const strip = /** @type {import("./call-strip.js").CallStrip | null | undefined} */ (this.place?.closest("call-strip"));
    const away = () => close(dialog, strip?.opener(dialog));
    const choose = (/** @type {"join" | "take-over"} */ mode) => async () => { away(); try { await this.talkAs(mode); } catch (error) { notify(error instanceof Error ? error.message : String(error), "bad"); } };
    const dialog = h("div.line.choice", {role: "group", "aria-label": "How to talk"},
      h("button.primary", {type: "button", onclick: choose("join")}, "Join beside the bot"),
      h("button", {type: "button", onclick: choose("take-over")}, "Take over from the bot"),
      h("button.plain", {type: "button", onclick: away}, "Cancel"));
    open(this.place ?? undefined, dialog);
    dialog.querySelector("button").focus({preventScroll: true});
  }

  /** @param {"join" | "take-over" | "take"} how */
  async talkAs(how) {
    const stream = await ownMedia(how !== "join" && this.call.media.includes("video"));
    const target = `${callPath(this.call.id)}/talk?how=${how === "join" ? how : "take-over"}&account=${encodeURIComponent(this.call.account)}`;
    const own = {resource: await talkAt(target, stream), stream, how};
    if (this.hears) this.stopListening();
    this.take(own);
    await this.listenWhenConnected();
  }

  /** Hear the peer too, as soon as there is something to hear. */
  async listenWhenConnected() {
    if (!this.waits || board.find(this.call.id, this.call.account)?.phase !== "connected") return;
    this.waits = false;
    if (!this.hears) await this.listen();
  }

  /** @param {Own} own */
  take(own) {
    this.own = own;
    this.waits = true;
    this.isOver = false;
    spoken.set(key(this.call), this);
    own.resource.onEnd(why => {
      if (board.find(this.call.id, this.call.account)) notify(`You: ${why}`, "bad");
      this.stopTalking();
    });
    if (own.stream.getVideoTracks().length) {
      const screen = h("video", {autoplay: true, playsInline: true, muted: true, "aria-label": "You, live"});
      screen.srcObject = own.stream;
      this.screens.prepend(h("figure.screen.own", {}, screen, h("figcaption", {}, "You")));
      this.place?.prepend(this.screens);
    }
    this.changed();
    talkChanged();
  }

  stopTalking() {
    if (this.own) {
      this.own.resource.close();
      drop(this.own.stream);
    }
    this.own = null;
    this.waits = false;
    this.screens.querySelector(".own")?.remove();
    if (!this.hears) this.screens.remove();
    spoken.delete(key(this.call));
    this.changed();
    talkChanged();
  }

  close() {
    this.isOver = true;
    if (this.hears) this.stopListening();
    if (this.talks) this.stopTalking();
  }
}
