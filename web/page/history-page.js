// Past calls, searched and paged.
import {get} from "./api.js";
import {badge} from "./avatar.js";
import {board} from "./board.js";
import {fill, h, joined, say} from "./dom.js";
import {session} from "./session.js";
import {attempt, View} from "./view.js";
import {clock, escaped, moment, TONES} from "./words.js";

const STATES = ["completed", "missed", "declined", "busy", "cancelled", "failed"];
const PAGE = 50;

class HistoryPage extends View {
  build() {
    const field = (/** @type {string} */ name, /** @type {string} */ words, /** @type {any} */ with_ = {}) => h("label", {}, words, h("input", {name, autocomplete: "off", spellcheck: false, ...with_}));
    const choice = (/** @type {string} */ name, /** @type {string} */ words, /** @type {string[]} */ values) => h("label", {}, words, h("select", {name}, h("option", {value: ""}, "any"), ...values.map(value => h("option", {value}, value))));
    this.form = h("form.search", {onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.search(); }},
      h("div.search-line", {}, field("text", "Text", {type: "search", placeholder: "address, id or reason"}), h("button.primary", {type: "submit"}, "Search")),
      h("details", {}, h("summary", {}, "More to search by"), h("div.filters", {},
        field("account", "Account"), field("peer", "Peer"), choice("state", "State", STATES), choice("direction", "Direction", ["in", "out"]),
        field("since", "Since", {type: "datetime-local"}), field("until", "Until", {type: "datetime-local"}))));
    for (const [name, value] of Object.entries(session.searched)) {
      const given = this.form.elements.namedItem(name);
      given.value = value;
      if (value) given.closest("details")?.setAttribute("open", "");
    }
    this.total = h("p.soft", {"aria-live": "polite"});
    this.rows = h("ul.rows.card", {hidden: true});
    this.more = h("button", {type: "button", hidden: true, onclick: () => this.search(this.next)}, "More");
    this.next = "";
    this.append(h("div.page-head", {}, h("h1", {}, "History")), this.form, this.total, this.rows, h("p.center", {}, this.more));
    this.renew();
  }

  connectedCallback() {
    super.connectedCallback();
    this.hear(board, "record", this.renew);
  }

  /** Search anew, unless somebody has gone on to what was before. */
  load() { return this.rows.children.length <= PAGE && this.search(); }

  /** @param {string} [after] */
  async search(after = "") {
    const given = Object.fromEntries(new FormData(this.form));
    session.searched = {...given};
    const isWanted = Object.values(given).some(Boolean);
    for (const name of ["since", "until"]) if (given[name]) given[name] = String(Date.parse(String(given[name])) / 1000);
    const found = await attempt(() => get("/api/history", {...given, limit: PAGE, after}));
    if (!found) return;
    const rows = found.calls.map(row);
    if (after) this.rows.append(...rows); else fill(this.rows, ...rows);
    this.rows.hidden = !this.rows.children.length;
    say(this.total, found.total ? `${found.total.toLocaleString("en")} ${found.total === 1 ? "call" : "calls"}` : isWanted ? "No call was found." : "No call has ended yet.");
    this.next = found.next ?? "";
    this.more.hidden = !found.next;
  }
}

/** @param {any} call */
function row(call) {
  const arrow = call.direction === "out" ? "→" : "←";
  const lasted = call.connected ? clock((Date.parse(call.ended) - Date.parse(call.connected)) / 1000) : "";
  const reason = call.state === "completed" || call.state.startsWith(call.reason) ? "" : call.reason;
  const recorded = call.recordings.some((/** @type {any} */ one) => one.presence === "present");
  return h("li", {}, h("a.row", {href: `#/calls/${escaped(call.uuid)}`},
    h("span.row-main", {}, h("span.row-title", {}, ...joined(` ${arrow} `, call.account, call.peer.split("/")[0])),
      h("span.row-note", {}, ...joined(" · ", moment(call.started), lasted, recorded ? "recorded" : "", reason))),
    badge(call.state, TONES[call.state])));
}

customElements.define("history-page", HistoryPage);
