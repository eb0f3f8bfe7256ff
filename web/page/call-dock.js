// The calls in which this person talks, while the page shows something else.
import {key} from "./board.js";
import {CallStrip} from "./call-strip.js";
import {follow, h} from "./dom.js";
import {spokenCalls, talking} from "./live-media.js";
import {View} from "./view.js";

class CallDock extends View {
  build() {
    this.strips = h("section.strips", {"aria-label": "Calls in which you talk"});
    this.append(this.strips);
  }

  connectedCallback() {
    super.connectedCallback();
    this.hear(talking, "change", () => queueMicrotask(() => this.update()));
  }

  update() {
    const strips = /** @type {CallStrip[]} */ ([...document.querySelectorAll("main call-strip")]);
    const shown = new Set(strips.map(one => one.call && key(one.call)));
    const calls = spokenCalls().filter(one => !shown.has(key(one)));
    this.hidden = !calls.length;
    follow(this.strips, calls, key, () => Object.assign(new CallStrip(), {isBrief: true}));
  }
}

customElements.define("call-dock", CallDock);
