// Hearing a call and talking in it: one WHEP resource for each direction, one WHIP resource for the person.
import {accountPath, callPath} from "./api.js";
import {board, key} from "./board.js";
import {close, h, open} from "./dom.js";
import {DIRECTIONS, Offer, ready} from "./offers.js";
import {Resource} from "./resource.js";
import {attempt, notify} from "./view.js";
import {bare} from "./words.js";

/** @typedef {"join" | "take-over" | "take" | "place"} How how somebody came to talk: "take" answered a call that rang */
/** @typedef {{resource: Resource, stream: MediaStream, how: How}} Own */
/** @typedef {Pick<import("./board.js").Call, "account" | "id" | "media">} Talk what is known of a call as soon as it is placed */

/** What this person talks in. It goes on whatever the page shows. @type {Map<string, LiveMedia>} */
const spoken = new Map();
/** Where this person has come to talk or talked, as long as the board counts them there: a guest of a call may be they. @type {Map<string, "comes" | "goes">} */
const visits = new Map();
/** Told when somebody begins or ends to talk here, and when what they talk in is shown elsewhere. */
export const talking = new EventTarget();

/** Milliseconds in which the board tells that a call is over whose connections have ended. */
const END_TOLD = 1000;

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
  board.changed();  // strips say what becomes of another call in which this person talks
}

/** What becomes of a call when this person leaves it for something else, by what it is called to talk no more there. */
const BECOMES = {Leave: "you leave that call", "Give back": "that call is given back to its bot", "Hang up": "that call ends"};

/** Say what talking in a call does to the one in which this person talks: they talk in one at a time. @param {Talk} [call] the one that is about to be talked in */
export function instead(call) { return fate("talk here", call); }

/** Say what becomes of the call in which this person talks if they do something. @param {string} deed @param {Talk} [call] one that is not meant */
export function fate(deed, call) {
  const other = [...spoken.values()].find(one => !call || key(one.call) !== key(call));
  if (!other) return "";
  const peer = board.calls.get(key(other.call))?.peer;
  return `You talk${peer ? ` with ${bare(peer)}` : ""} now. If you ${deed}, ${BECOMES[other.farewell]}.`;
}

/** Whether a call is the other end of the one in which this person talks: both accounts are here. @param {Talk} call */
export function isOtherEnd(call) { return [...spoken.values()].some(one => one.call.id === call.id && one.call.account !== call.account); }

/** @param {import("./board.js").Guest} guest */
function talks(guest) { return guest.part === "join" || guest.part === "take-over"; }

/** Find who else talks in a call, which has room for one. @param {import("./board.js").Call} call */
export function otherTalker(call) {
  return visits.has(key(call)) ? undefined : call.guests.find(talks);
}

/** Let a stream be heard and seen, or not. @param {MediaStream} stream @param {boolean} isOn */
function enable(stream, isOn) { for (const track of stream.getTracks()) track.enabled = isOn; }

board.addEventListener("change", () => {
  for (const [name, way] of visits) if (way === "goes" && !board.calls.get(name)?.guests.some(talks)) visits.delete(name);
  for (const one of [...spoken.values()]) one.follow();
});

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

/** Send what the person says and shows, which is silence and black until they talk nowhere else. @param {string} target @param {MediaStream} stream */
async function talkAt(target, stream) {
  enable(stream, false);
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

export class LiveMedia {
  /** Where it is shown, and what is done there when it has changed. @type {Element | null} */
  place = null;
  changed = () => {};

  /** @param {Talk} call */
  constructor(call) {
    this.call = call;
    /** Whether the board has told of the call. */
    this.isKnown = board.calls.has(key(call));
    /** @type {Resource[]} */
    this.heard = [];
    /** @type {Own | null} */
    this.own = null;
    /** Whether the peer is to be heard once the call is connected. */
    this.waits = false;
    /** Whether the call was heard before this person talked. */
    this.heardBefore = false;
    /** Whether it is about to hear the call, and whether nobody is there any more. */
    this.begins = this.isOver = false;
    /** Whether it was told why the connections have ended. */
    this.isTold = false;
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

  /** What it is called to talk no more. @returns {keyof typeof BECOMES} */
  get farewell() {
    const how = this.own?.how;
    if (how === "join") return "Leave";
    // This bot hangs up what a person has answered by talking: nobody else is there.
    if (how === "place" || (how === "take" && board.hasOperator(this.call.account))) return "Hang up";
    return "Give back";
  }

  async listen() {
    if (this.begins) return;
    this.begins = true;
    this.isTold = false;
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
      this.tell(why);
      this.stopListening();
    }, () => this.hasEnded());
    return resource;
  }

  /** Find out whether the call is over, which the board tells a moment before or after its connections end. @returns {Promise<boolean>} */
  hasEnded() {
    return new Promise(done => {
      const look = () => {
        if (this.callIsOver) end();
      };
      const end = () => {
        clearTimeout(timer);
        board.removeEventListener("change", look);
        done(this.callIsOver);
      };
      const timer = setTimeout(end, END_TOLD);
      board.addEventListener("change", look);
      look();
    });
  }

  get callIsOver() { return this.isKnown && !board.calls.has(key(this.call)); }

  /** Tell why what was heard or said has ended: once, as all of it ends with a call. @param {string} why */
  tell(why) {
    if (!why) return;
    const call = board.find(this.call.id, this.call.account);
    if (call && !this.isTold) notify(`Call with ${bare(call.peer)}: ${why}`, "bad");
    this.isTold = true;
  }

  stopListening() {
    for (const one of this.heard.splice(0)) one.close(this.callIsOver);
    for (const one of this.screens.querySelectorAll("figure:not(.own)")) one.remove();
    if (!this.talks) this.screens.remove();
    this.changed();
  }

  async askHowToTalk() {
    const strip = /** @type {import("./call-strip.js").CallStrip | null | undefined} */ (this.place?.closest("call-strip"));
    const away = () => close(dialog, strip?.opener(dialog));
    const choose = (/** @type {"join" | "take-over"} */ mode, camera = false) => async () => { away(); await attempt(() => this.talkAs(mode, camera)); };
    const hasPictures = this.call.media.includes("video");
    const notes = [hasPictures && "Your camera goes on only if you choose it.", instead(this.call)].filter(Boolean);
    const dialog = h("div.line.choice", {role: "group", "aria-label": "How to talk"}, notes.length > 0 && h("p.row-note", {}, notes.join(" ")),
      h("button.primary", {type: "button", onclick: choose("join")}, "Join beside the bot"),
      h("button", {type: "button", onclick: choose("take-over")}, "Take over from the bot"),
      hasPictures && h("button", {type: "button", onclick: choose("take-over", true)}, "Take over with my camera too"),
      h("button.plain", {type: "button", "data-here": "", onclick: away}, "Cancel"));
    open(this.place ?? undefined, dialog);
    dialog.querySelector("button").focus({preventScroll: true});
  }

  /** @param {"join" | "take-over" | "take"} how @param {boolean} camera */
  async talkAs(how, camera) {
    const stream = await ownMedia(camera);
    const target = `${callPath(this.call.id)}/talk?how=${how === "join" ? how : "take-over"}&account=${encodeURIComponent(this.call.account)}`;
    visits.set(key(this.call), "comes");
    const resource = await talkAt(target, stream).catch(error => {
      visits.delete(key(this.call));
      throw error;
    });
    const own = {resource, stream, how};
    this.heardBefore = this.hears;
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

  /** Talk here, and in no other call any more. @param {Own} own */
  take(own) {
    for (const one of [...spoken.values()]) one.moveOn();
    this.own = own;
    enable(own.stream, true);
    this.waits = true;
    this.isOver = this.isTold = false;
    spoken.set(key(this.call), this);
    visits.set(key(this.call), "comes");
    own.resource.onEnd(why => {
      this.tell(why);
      this.stopTalking();
    }, () => this.hasEnded());
    if (own.stream.getVideoTracks().length) {
      const screen = h("video", {autoplay: true, playsInline: true, muted: true, "aria-label": "You, live"});
      screen.srcObject = own.stream;
      this.screens.prepend(h("figure.screen.own", {}, screen, h("figcaption", {}, "You")));
      this.place?.prepend(this.screens);
    }
    this.changed();
    talkChanged();
  }

  /** Talk no more, and hear what was heard before: both sides or none. */
  async giveBack() {
    this.stopTalking();
    if (this.hears) this.stopListening();
    if (this.heardBefore) await this.listen();
  }

  /** Talk no more, as this person goes on elsewhere: they do not hear two calls at once then. */
  moveOn() {
    this.stopTalking();
    if (this.hears) this.stopListening();
  }

  stopTalking() {
    if (this.own) {
      this.own.resource.close(this.callIsOver);
      drop(this.own.stream);
    }
    this.own = null;
    this.waits = false;
    this.screens.querySelector(".own")?.remove();
    if (!this.hears) this.screens.remove();
    spoken.delete(key(this.call));
    visits.set(key(this.call), "goes");
    this.changed();
    talkChanged();
  }

  close() {
    this.isOver = true;
    if (this.hears) this.stopListening();
    if (this.talks) this.stopTalking();
  }
}
