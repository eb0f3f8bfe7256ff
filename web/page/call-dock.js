// The calls in which this person talks or that they have answered, those that wait for a person, and those placed here that have just failed, while the page shows something else.
import {board, key} from "./board.js";
import {CallStrip} from "./call-strip.js";
import {follow, h, say} from "./dom.js";
import {spokenCalls, talking} from "./live-media.js";
import {session} from "./session.js";
import {View} from "./view.js";
import {bare, ending} from "./words.js";

/** Calls that wait for a person, of which the first few are shown. */
const MOST_WAITING = 3;

class CallDock extends View {
  /** The calls whose failure, or ringing, a screen reader was told of. @type {Set<string>} */
  told = new Set();

  constructor() {
    super();
    this.look = () => queueMicrotask(() => this.update());  // once all others show what they show
    // What is told for a while stands above it.
    this.size = new ResizeObserver(() => document.body.style.setProperty("--dock", `${this.offsetHeight}px`));
  }

  build() {
    this.strips = h("section.strips", {"aria-label": "Your calls"});
    this.news = h("p.hidden", {role: "status"});
    this.append(this.strips, this.news);
  }

  connectedCallback() {
    super.connectedCallback();
    this.hear(talking, "change", this.look);
    this.size.observe(this);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.size.disconnect();
    document.body.style.removeProperty("--dock");
    this.told.clear();
    say(this.news, "");
    this.strips.replaceChildren();
  }

  update() {
    const strips = /** @type {CallStrip[]} */ ([...document.querySelectorAll("main call-strip")]);
    const shown = new Set(strips.map(one => one.call && key(one.call)));
    const waiting = session.may("control") ? board.waiting().slice(0, MOST_WAITING) : [];
    const failures = board.failures();
    const answered = [...session.answered].flatMap(one => board.calls.get(one) ?? []);
    const all = new Map([...spokenCalls(), ...answered, ...waiting, ...failures].map(one => [key(one), one]));  // who answers one is in two of them
    const calls = [...all.values()].filter(one => !shown.has(key(one)));
    this.classList.toggle("idle", !calls.length);
    follow(this.strips, calls, key, () => Object.assign(new CallStrip(), {isBrief: true}));
    this.tell([...waiting, ...failures]);
  }

  /** Have a screen reader say once who rings, and how a call has failed, wherever that is shown. @param {import("./board.js").Call[]} calls */
  tell(calls) {
    const name = (/** @type {import("./board.js").Call} */ one) => `${key(one)} ${one.phase}`;
    for (const one of calls) {
      if (this.told.has(name(one))) continue;
      const {how, why} = one.end ? ending(one.end) : {how: `Call for ${one.account}`, why: ""};
      say(this.news, [`${how}: ${bare(one.peer)}`, why].filter(Boolean).join(". "));
    }
    this.told = new Set(calls.map(name));
  }
}

customElements.define("call-dock", CallDock);
