// The calls that go on, with a filter.
import {board, key} from "./board.js";
import {CallStrip} from "./call-strip.js";
import {follow, h, say} from "./dom.js";
import {session} from "./session.js";
import {nothing, View} from "./view.js";

/** Strips that are shown at the most; the filter finds the others. */
const MOST = 60;

class CallList extends View {
  build() {
    this.filter = h("input", {type: "search", placeholder: "Filter by address, phase or id", "aria-label": "Filter calls", oninput: () => this.update()});
    this.count = h("p.soft", {});
    this.rows = h("div.strips", {});
    this.none = h("div", {});
    nothing(this.none, "No calls go on now", session.may("control") ? "Open a conversation and press Call." : "Those that have ended are in the history.", "h2", {href: "#/history", words: "Look into the history"});
    this.append(h("div.page-head", {}, h("h1", {}, "Live calls"), this.filter), this.count, this.rows, this.none);
  }

  update() {
    const words = this.filter.value.toLowerCase();
    const found = [...board.calls.values()].filter(one => `${one.account} ${one.peer} ${one.phase} ${one.id} ${one.direction}`.toLowerCase().includes(words));
    // First what there is else: who was in a strip with the keyboard goes on there.
    this.none.hidden = board.calls.size > 0 || !board.state;
    this.filter.hidden = !board.calls.size && !this.filter.value;
    follow(this.rows, found.slice(0, MOST), key, () => new CallStrip());
    const more = found.length > MOST ? `, the first ${MOST} shown` : "";
    say(this.count, found.length ? `${found.length} ${found.length === 1 ? "call" : "calls"}${more}` : board.calls.size ? "No call fits." : "");
  }
}

customElements.define("call-list", CallList);
