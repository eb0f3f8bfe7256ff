// One call that goes on: how it stands, and what can be done to it.
import {callPath, file, post} from "./api.js";
import {avatar, badge} from "./avatar.js";
import {board, key} from "./board.js";
import {close, fill, h, joined, open, say} from "./dom.js";
import {instead, isOtherEnd, LiveMedia, otherTalker} from "./live-media.js";
import {findWay, getReady, letGo} from "./offers.js";
import {offered} from "./playable.js";
import {session} from "./session.js";
import {attempt, notify} from "./view.js";
import {clock, ending, escaped, number, TONES} from "./words.js";

/** @typedef {import("./board.js").Call} Call */

/** What can be opened in a strip, and the button that does it. */
const OPENERS = [[".keypad", "Keypad"], ["form", "Play…"], [".snapshot", "Snapshot"], [".choice", "Talk"]];
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
/** Hear a call that was placed here as soon as it connects. @param {{account: string, id: string}} call */
export function listenTo(call) {
  session.awaited.add(key(call));
  board.changed();
}

/** Say who is there, without telling one from the other. @param {import("./board.js").Guest[]} guests @param {boolean} isOwn whether it is this person who talks */
function visits(guests, isOwn) {
  const count = (/** @type {string[]} */ parts) => new Set(guests.filter(one => parts.includes(one.part)).map(one => one.name)).size;
  const [listen, join, over] = [count(["received", "sent"]), count(["join"]), count(["take-over"])];
  return [listen && `${listen} ${listen === 1 ? "listener" : "listeners"}`, isOwn ? "you talk" : join && "somebody talks", !isOwn && over && "taken over"].filter(one => typeof one === "string");
}

/** Mark a button that does what it does here, also without the board. @param {boolean} [isHere] */
function here(isHere) { return isHere ? {"data-here": ""} : {}; }

export class CallStrip extends HTMLElement {
  shown = "";
  /** Whether it stands where both addresses are told. */
  isWithin = false;
  /** Whether there is room for little. */
  isBrief = false;
  /** @type {LiveMedia | undefined} */
  media;

  /** @param {boolean} [isWithin] */
  constructor(isWithin = false) {
    super();
    this.isWithin = isWithin;
  }

  /** @param {Call} call */
  show(call) {
    this.call = call;
    if (!this.facts) this.build(call);
    this.claim();
    if (this.media) this.media.call = call;
    say(this.time, call.phase === "connected" ? clock(call.seconds) : "");
    const heard = call.statistics.find(one => one.kind === "audio") ?? call.statistics[0];
    if (call.end) say(this.quality, ending(call.end).why);
    else say(this.quality, heard ? [`MOS ${number(heard.mos)}`, `jitter ${number(heard.jitter_ms, 0)} ms`, heard.rtt_ms === null ? "" : `RTT ${number(heard.rtt_ms, 0)} ms`].filter(Boolean).join(" · ") : board.waitsFor(call));
    if (this.media?.talks) attempt(() => this.live().listenWhenConnected());
    if (call.phase === "connected" && this.isConnected && session.awaited.delete(key(call))) this.listen();
    const note = this.note();
    const now = JSON.stringify([board.lostAt, note, call.phase, call.held, call.muted, call.media, call.holds, call.mutes, call.recording, call.guests, session.visit?.role]);
    if (now === this.shown) return;
    this.shown = now;
    if (call.phase !== "connected") letGo(this);
    this.classList.toggle("ringing", this.rings());
    this.classList.toggle("over", Boolean(call.end));
    fill(this.phase, badge(board.stands(call.phase), TONES[call.phase]), call.held && badge("peer holds", "busy"), ...call.muted.map(one => badge(`peer muted ${one}`, "busy")),
      call.holds && badge("on hold", "busy"), ...call.mutes.map(one => badge(`${one} muted`, "busy")), call.recording && badge("● recorded", "bad"),
      ...visits(this.isBrief ? [] : call.guests, Boolean(this.media?.talks)).map(one => badge(one, "brand")));
    fill(this.actions, ...this.buttons(), note && h("p.row-note", {}, note));
    if (call.end) fill(this.end, h("button.plain", {type: "button", "data-here": "", onclick: () => board.dismiss(key(call))}, "Dismiss"));
    else fill(this.end, session.may("control") && !this.rings() && h("button.danger", {type: "button", ...here(this.media?.talks), onclick: () => this.hangUp()}, "Hang up"));
  }

  /** Hang up; without the board, who talks can still be heard no more. */
  hangUp() {
    if (board.lostAt && this.media?.talks) this.media.moveOn();
    else return this.do("hangup");
  }

  rings() { return this.call?.direction === "in" && ["ringing", "proposed"].includes(this.call.phase); }

  /** @param {Call} call */
  build(call) {
    if (session.may("listen")) findWay().catch(() => {});  // who listens is told why it failed
    const [arrow, words] = call.direction === "out" ? ["→", "Outgoing call"] : ["←", "Incoming call"];
    this.facts = h("a.call-who", {href: `#/calls/${escaped(call.id)}/${escaped(call.account)}`},
      h("span.row-title", {}, ...(this.isWithin ? [words] : joined(` ${arrow} `, call.account, call.peer.split("/")[0]))));
    this.quality = h("p.call-quality.row-note.figures", {});
    this.phase = h("span.badges", {});
    this.time = h("span.call-time.figures", {});
    this.end = h("span.call-end", {});
    this.actions = h("div.actions", {});
    this.more = h("div.call-more", {onkeydown: (/** @type {KeyboardEvent} */ event) => {
      const opened = /** @type {Element} */ (event.target).closest(".call-more > :not(.screens)");
      if (event.key === "Escape" && opened) close(opened, this.opener(opened));
    }});
    this.append(h("div.call-head", {}, avatar(call.peer), this.facts, this.quality, this.phase, this.time, this.end), this.actions, this.more);
  }

  /** Find the button that has opened something. @param {Element} opened */
  opener(opened) {
    const words = OPENERS.find(([what]) => opened.matches(what))?.[1];
    return /** @type {HTMLElement | undefined} */ ([...this.actions?.children ?? []].find(one => one.textContent === words));
  }

  buttons() {
    const call = /** @type {Call} */ (this.call);
    const has = (/** @type {string} */ kind) => call.media.includes(kind);
    const button = (/** @type {string} */ words, /** @type {() => any} */ onclick, /** @type {string} */ style = "", /** @type {boolean | undefined} */ pressed = undefined) =>
      h(`button${style}`, {type: "button", onclick, "aria-pressed": pressed === undefined ? undefined : String(pressed), ...here(["Stop listening", "Leave", "Give back"].includes(words))}, words);
    const toggle = (/** @type {boolean} */ is, /** @type {string} */ words, /** @type {string} */ what, /** @type {any} */ more = {}) =>
      button(words, () => this.do(what, {...more, on: !is}), "", is);
    const [control, talk] = [session.may("control"), session.may("talk") && !isOtherEnd(call)];
    const live = call.phase === "connected";
    const room = live && !this.isBrief;
    // What ends with the person has a button for that already.
    const leaving = !this.media?.talks ? "Talk" : this.media.farewell === "Hang up" ? "" : this.media.farewell;
    return [
      talk && this.rings() && button("Answer with my microphone", () => this.take(false), ".primary"),
      talk && this.rings() && has("video") && button("Answer with my camera too", () => this.take(true)),
      control && this.rings() && button("Answer silently", () => this.answer(), talk ? "" : ".primary"),
      control && this.rings() && button("Decline", () => this.do("decline"), ".danger"),
      control && live && toggle(call.holds, "Hold", "hold"),
      control && live && has("audio") && toggle(call.mutes.includes("audio"), "Mute", "mute", {kind: "audio"}),
      control && room && has("video") && toggle(call.mutes.includes("video"), "Hide picture", "mute", {kind: "video"}),
      control && room && has("audio") && button("Keypad", () => this.keypad()),
      control && room && button("Play…", () => this.play()),
      control && room && toggle(call.recording, "Record", "record"),
      session.may("listen") && room && this.listener(button(this.media?.hears ? "Stop listening" : "Listen", () => this.listen(), this.media?.hears ? ".on" : "")),
      session.may("listen") && room && has("video") && button("Snapshot", () => this.snapshot()),
      talk && live && leaving && Object.assign(button(leaving, () => this.talk(), this.media?.talks ? ".on" : ""), {disabled: Boolean(otherTalker(call))}),
    ];
  }

  /** Let a button have offers ready when somebody comes near it. @param {HTMLElement} button */
  listener(button) {
    button.onfocus = button.onpointerenter = () => {
      if (!this.media?.hears && !this.media?.begins) getReady(this, this.call?.media ?? []);
    };
    return button;
  }

  /** @param {string} what @param {any} [fields] @param {() => void} [after] */
  do(what, fields = {}, after = () => {}) {
    const call = /** @type {Call} */ (this.call);
    return attempt(async () => { await post(`${callPath(call.id)}/${what}`, {account: call.account, ...fields}); after(); });
  }

  /** Answer without talking; the call can be hung up wherever one goes then. */
  answer() {
    session.answered.add(key(/** @type {Call} */ (this.call)));
    return this.do("answer", {audio: "silence"});
  }

  /** Say what is to be known before this person answers, or talks. */
  note() {
    const call = /** @type {Call} */ (this.call);
    const [control, talk] = [session.may("control"), session.may("talk")];
    if (talk && isOtherEnd(call)) return "This is the other end of the call in which you talk.";
    const other = talk && call.phase === "connected" && otherTalker(call);
    if (other) return `Somebody with the role ${other.role} talks here, and one person can at a time.`;
    if (!control || !this.rings()) return "";
    const silent = "Answered silently, the caller hears nothing until";
    if (!talk) return `${silent} something is played. To talk, log in with a token of the role talk.`;
    return [`${silent} you talk or play something.`, instead(call)].filter(Boolean).join(" ");
  }

  keypad() {
    const opened = this.more?.querySelector(".keypad");
    if (opened) { opened.remove(); return; }
    const keys = h("div.keypad", {role: "group", "aria-label": "Keypad"},
      ...KEYS.map(digit => h("button", {type: "button", onclick: () => { this.do("press", {digits: digit}); }}, digit)));
    open(this.more, keys);
    keys.querySelector("button").focus({preventScroll: true});
  }

  play() {
    const opened = this.more?.querySelector("form");
    if (opened) { opened.remove(); return; }
    const source = h("input", {type: "text", required: true, value: "tone:440", list: "playable", "aria-label": "What to play: a tone, or a file's name"});
    const form = h("form.line", {onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      return this.do("play", {source: source.value}, () => { close(form, this.opener(form)); notify(`${source.value} is played`); });
    }}, source, offered("playable", ["tone:440", "say:Hello", "silence", "echo"], this.call?.media.includes("video") ? "files" : "sounds"), h("button.primary", {type: "submit"}, "Play"));
    open(this.more, form);
    source.select();
  }

  /** Show what the peer shows now, as an image that can be kept. */
  snapshot() {
    const call = /** @type {Call} */ (this.call);
    return attempt(async () => {
      const image = await file(`${callPath(call.id)}/snapshot?account=${encodeURIComponent(call.account)}`);
      const address = URL.createObjectURL(image);
      const away = () => { close(shown, this.opener(shown)); URL.revokeObjectURL(address); };
      const shown = h("figure.screen.snapshot", {}, h("img", {src: address, onload: () => shown.scrollIntoView({block: "nearest"}), alt: `What ${call.peer.split("/")[0]} shows`}),
        h("div.line", {}, h("a.button", {href: address, download: `${call.id.slice(0, 8)}.jpg`}, "Save"), h("button.plain", {type: "button", "data-here": "", onclick: away}, "Close")));
      this.more?.querySelector(".snapshot button")?.click();
      this.more?.append(shown);
    });
  }

  /** Show here what this person says in the call, wherever it was shown before. */
  claim() {
    if (!this.isConnected || !this.call) return;
    const own = LiveMedia.of(this.call);
    if (!own || own === this.media) return;
    this.media?.close();
    this.media = own;
    own.showAt(/** @type {Element} */ (this.more), () => this.refresh());
    this.shown = "";
  }

  live() {
    if (!this.media) {
      this.media = new LiveMedia(/** @type {Call} */ (this.call));
      this.media.showAt(/** @type {Element} */ (this.more), () => this.refresh());
    }
    return this.media;
  }

  listen() {
    const media = this.live();
    return attempt(async () => media.hears ? media.stopListening() : media.listen());
  }

  /** Answer as a person. @param {boolean} camera */
  take(camera) { return attempt(() => this.live().talkAs("take", camera)); }

  talk() {
    const media = this.live();
    return attempt(async () => media.talks ? media.giveBack() : media.askHowToTalk());
  }

  refresh() { this.shown = ""; if (this.call) this.show(this.call); }

  connectedCallback() {
    if (this.call) this.show(this.call);
  }

  disconnectedCallback() {
    queueMicrotask(() => {
      if (this.isConnected) return;
      letGo(this);
      this.media?.leave(/** @type {Element} */ (this.more));
      this.media = undefined;
    });
  }
}

customElements.define("call-strip", CallStrip);
