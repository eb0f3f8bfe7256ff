// The ladder of a call: its stanzas, and what its media did between them.
import {get} from "./api.js";
import {fill, h} from "./dom.js";
import {session} from "./session.js";
import {attempt} from "./view.js";
import {user} from "./words.js";

/** Milliseconds between two looks at the ladder of a call that goes on. */
const PACE = 5000;

class CallLadder extends HTMLElement {
  connectedCallback() {
    this.load();
    if (this.dataset.stage !== "ended") this.timer = setInterval(() => this.load(), PACE);
  }

  disconnectedCallback() { clearInterval(this.timer); }

  async load() {
    const call = this.dataset.call ?? "";
    const target = `/api/ladders/${encodeURIComponent(call)}`;
    const query = {account: this.dataset.account || undefined};
    const found = this.dataset.stage === "ended" ? await get(target, query).catch(() => null) : await attempt(() => get(target, query));
    if (!found) {
      if (!this.count) fill(this, h("h2", {}, "Ladder"), h("p.soft", {}, "No ladder of this call is kept."));
      return;
    }
    this.dispatchEvent(new CustomEvent("quality", {detail: samples(found.quality ?? {}), bubbles: true}));
    if (this.count === found.rungs.length && this.dataset.stage !== "ended") return;
    this.count = found.rungs.length;
    const opened = [...this.querySelectorAll("li")].map(one => Boolean(one.querySelector("details[open]")));
    const form = (/** @type {string} */ kind) => `${target}?${new URLSearchParams({...(query.account ? {account: query.account} : {}), form: kind})}`;
    fill(this,
      h("div.bar", {}, h("h2", {}, "Ladder"), session.may("view") && h("span.links", {}, ...["svg", "text", "json"].map(kind => h("a", {href: form(kind), target: "_blank", rel: "noopener"}, kind.toUpperCase())))),
      found.cause && h("p.cause", {}, found.cause),
      h("div.ladder-ends", {"aria-hidden": "true"}, h("span", {}, user(found.account)), h("span", {}, user(found.peer))),
      h("ol.ladder", {}, ...found.rungs.map(rung)));
    this.querySelectorAll("li").forEach((one, at) => one.querySelector("details")?.toggleAttribute("open", opened[at] ?? false));
  }
}

/**
 * Turn columns, as a ladder has them, into samples.
 * @param {Record<string, Record<string, (number | null)[]>>} quality by kind
 * @returns {import("./board.js").Sample[]}
 */
function samples(quality) {
  const found = new Map();
  for (const [kind, columns] of Object.entries(quality))
    columns.at.forEach((at, row) => {
      const one = /** @type {any} */ ({kind});
      for (const [name, values] of Object.entries(columns)) one[name] = values[row];
      found.set(at, [...(found.get(at) ?? []), one]);
    });
  return [...found].sort(([one], [other]) => one - other).map(([at, statistics]) => ({at: /** @type {number} */ (at), statistics}));
}

/** @param {{at: number, kind: string, way: "in" | "out" | "", text: string, xml?: string, times?: number}} one */
function rung(one) {
  const words = one.times && one.times > 1 ? `${one.text} (${one.times} times)` : one.text;
  const said = one.way === "out" ? "sent: " : one.way === "in" ? "received: " : "";
  const line = [h("span.rung-time.figures", {}, one.at.toFixed(3)), h("span.rung-text", {}, h("span.hidden", {}, said), words)];
  const row = h("li.rung", {}, one.xml ? h("details", {}, h("summary.rung-line", {}, ...line), h("pre", {tabIndex: 0}, one.xml)) : h("div.rung-line", {}, ...line));
  row.classList.add(one.way || "here", `kind-${one.kind}`);
  return row;
}

customElements.define("call-ladder", CallLadder);
