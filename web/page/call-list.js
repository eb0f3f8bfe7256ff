// The calls that go on, with a filter.
import {board, key} from "./board.js";
import {CallStrip} from "./call-strip.js";
import {follow, h, say} from "./dom.js";
import {session} from "./session.js";
import {View} from "./view.js";

/** Strips that are shown at the most; the filter finds the others. */
const MOST = 60;

class CallList extends View {
  build() {
    this.filter = h("input", {type: "search", placeholder: "Filter by address, phase or id", "aria-label": "Filter calls", oninput: () => this.update()});
    this.count = h("p.soft", {});
    this.rows = h("div.strips", {});
    this.append(h("div.page-head", {}, h("h1", {}, "Live calls"), this.filter), this.count, this.rows);
  }

  update() {
    const words = this.filter.value.toLowerCase();
    const found = [...board.calls.values()].filter(one => `${one.account} ${one.peer} ${one.phase} ${one.id} ${one.direction}`.toLowerCase().includes(words));
    follow(this.rows, found.slice(0, MOST), key, () => new CallStrip());
    const more = found.length > MOST ? `, the first ${MOST} shown` : "";
    say(this.count, found.length ? `${found.length} ${found.length === 1 ? "call" : "calls"}${more}` : board.calls.size ? "No call fits." : session.may("control") ? "No calls go on now. Open a conversation and press Call, or look into the history." : "No calls go on now. The history has those that have ended.");
  }
}

customElements.define("call-list", CallList);
