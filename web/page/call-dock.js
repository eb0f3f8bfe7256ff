// The calls in which this person talks, and those they placed that have just failed, while the page shows something else.
import {board, key} from "./board.js";
import {CallStrip} from "./call-strip.js";
import {follow, h, say} from "./dom.js";
import {spokenCalls, talking} from "./live-media.js";
import {View} from "./view.js";
import {bare, ending} from "./words.js";

class CallDock extends View {
  /** The failures that a screen reader was told of. @type {Set<string>} */
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
  }

  update() {
    const strips = /** @type {CallStrip[]} */ ([...document.querySelectorAll("main call-strip")]);
    const shown = new Set(strips.map(one => one.call && key(one.call)));
    const calls = [...spokenCalls(), ...board.failures()].filter(one => !shown.has(key(one)));
    this.classList.toggle("idle", !calls.length);
    follow(this.strips, calls, key, () => Object.assign(new CallStrip(), {isBrief: true}));
    this.tell();
  }

  /** Have a screen reader say once how a call has failed, wherever that is shown. */
  tell() {
    const failures = board.failures();
    for (const one of failures) {
      if (!one.end || this.told.has(key(one))) continue;
      const {how, why} = ending(one.end);
      say(this.news, [`${how}: ${bare(one.peer)}`, why].filter(Boolean).join(". "));
    }
    this.told = new Set(failures.map(key));
  }
}

customElements.define("call-dock", CallDock);
