// The calls in which this person talks, and those they placed that have just failed, while the page shows something else.
import {board, key} from "./board.js";
import {CallStrip} from "./call-strip.js";
import {follow, h} from "./dom.js";
import {spokenCalls, talking} from "./live-media.js";
import {View} from "./view.js";

class CallDock extends View {
  constructor() {
    super();
    this.look = () => queueMicrotask(() => this.update());  // once all others show what they show
  }

  build() {
    this.strips = h("section.strips", {"aria-label": "Your calls"});
    this.append(this.strips);
  }

  connectedCallback() {
    super.connectedCallback();
    this.hear(talking, "change", this.look);
  }

  update() {
    const strips = /** @type {CallStrip[]} */ ([...document.querySelectorAll("main call-strip")]);
    const shown = new Set(strips.map(one => one.call && key(one.call)));
    const calls = [...spokenCalls(), ...board.failures()].filter(one => !shown.has(key(one)));
    this.hidden = !calls.length;
    follow(this.strips, calls, key, () => Object.assign(new CallStrip(), {isBrief: true}));
  }
}

customElements.define("call-dock", CallDock);
