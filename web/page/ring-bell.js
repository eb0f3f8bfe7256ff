// Calls that ring until a person takes them: heard here, and told by the browser.
import {board, key} from "./board.js";
import {h} from "./dom.js";
import {session} from "./session.js";
import {View} from "./view.js";
import {escaped} from "./words.js";

/** Milliseconds between two rings, and the tones of one, in Hz. */
const PACE = 2500;
const TONES = [659, 784];
const KEPT = "callboard-ring";

class RingBell extends View {
  /** Calls that ring, by what tells one from another. @type {Map<string, Notification | null>} */
  told = new Map();
  timer = 0;
  /** @type {AudioContext | undefined} */
  sound;

  build() {
    this.button = h("button.plain.small", {type: "button", onclick: () => this.turn(), title: "Ring here, and notify, when a call waits for a person"}, "Ring");
    this.append(this.button);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.quiet();
    this.sound?.close();
    this.sound = undefined;
  }

  get isOn() { return localStorage.getItem(KEPT) !== "off"; }

  turn() {
    localStorage.setItem(KEPT, this.isOn ? "off" : "on");
    if (this.isOn && "Notification" in globalThis && Notification.permission === "default") Notification.requestPermission();
    if (!this.isOn) this.quiet();
    this.update();
  }

  /** The calls that a person here may take. */
  ringing() {
    return session.may("control") && !board.lostAt ? board.waiting() : [];
  }

  update() {
    this.hidden = ![...board.accounts.keys()].some(one => board.hasOperator(one)) || !session.may("control");
    this.button.setAttribute("aria-pressed", String(this.isOn));
    const calls = this.isOn ? this.ringing() : [];
    const now = new Set(calls.map(key));
    for (const [name, notice] of this.told) if (!now.has(name)) { notice?.close(); this.told.delete(name); }
    for (const call of calls) if (!this.told.has(key(call))) this.told.set(key(call), this.notice(call));
    if (calls.length && !this.timer) {
      this.ring();
      this.timer = setInterval(() => this.ring(), PACE);
    } else if (!calls.length) this.quiet();
  }

  /** @param {import("./board.js").Call} call */
  notice(call) {
    if (!("Notification" in globalThis) || Notification.permission !== "granted") return null;
    const notice = new Notification(`${call.peer.split("/")[0]} calls`, {body: call.account, tag: call.id});
    notice.onclick = () => { focus(); location.hash = `#/calls/${escaped(call.id)}/${escaped(call.account)}`; };
    return notice;
  }

  /** Two soft tones; a browser lets them be heard once somebody has touched the page. */
  ring() {
    const sound = this.sound ??= new AudioContext();
    sound.resume().catch(() => {});
    TONES.forEach((hertz, place) => {
      const tone = new OscillatorNode(sound, {frequency: hertz});
      const volume = new GainNode(sound, {gain: 0});
      const at = sound.currentTime + place * .35;
      volume.gain.setTargetAtTime(.15, at, .02);
      volume.gain.setTargetAtTime(0, at + .25, .08);
      tone.connect(volume).connect(sound.destination);
      tone.start(at);
      tone.stop(at + 1);
    });
  }

  quiet() {
    clearInterval(this.timer);
    this.timer = 0;
    for (const notice of this.told.values()) notice?.close();
    this.told.clear();
  }
}

customElements.define("ring-bell", RingBell);
