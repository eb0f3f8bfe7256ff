// One call, while it goes on and after its end: its steps, ladder, quality and recordings.
import {get, Problem} from "./api.js";
import {badge} from "./avatar.js";
import {board, key} from "./board.js";
import "./call-ladder.js";
import {CallStrip} from "./call-strip.js";
import {fill, h, joined} from "./dom.js";
import "./quality-plots.js";
import "./recording-player.js";
import {session} from "./session.js";
import {attempt, nothing, View} from "./view.js";
import {clock, moment, number, seconds, STEPS, TONES} from "./words.js";

const PARTS = {received: "Heard the peer", sent: "Heard what was sent", join: "Joined", "take-over": "Took over", snapshot: "Took pictures"};
const NOW = {received: "hears the peer", sent: "hears what is sent", join: "talks beside the bot", "take-over": "has taken over"};

class CallPage extends View {
  call = "";
  account = "";
  shown = "";
  /** @type {CallStrip | undefined} */
  strip;

  build() {
    this.call = this.getAttribute("call") ?? "";
    this.account = this.getAttribute("account") ?? "";
    /** @type {any} */
    this.past = null;
    /** What was measured, as the ladder has it. @type {import("./board.js").Sample[]} */
    this.kept = [];
    this.top = h("div", {});
    this.steps = h("section.card", {});
    this.recordings = h("div", {});
    this.quality = h("section.card", {});
    this.ladder = h("section.card", {});
    this.ladder.addEventListener("quality", (/** @type {CustomEvent} */ event) => { this.kept = event.detail; this.draw(); });
    this.append(this.top, this.recordings, this.steps, this.quality, this.ladder);
    this.plots = document.createElement("quality-plots");
    this.renew();
  }

  connectedCallback() {
    super.connectedCallback();
    this.hear(board, "record", event => { if (event.detail.id === this.call) setTimeout(this.renew, 300); });
  }

  live() { return board.find(this.call, this.account); }

  async load() {
    if (!this.live()) this.past = await this.find();
    this.update();
    if (!this.live() && !this.past) {
      this.shown = "";
      nothing(this.top, "There is no such call", "It does not go on, and no record of it is kept.", "h1", {href: "#/history", words: "Look into the history"});
      for (const one of [this.recordings, this.steps, this.quality, this.ladder]) one?.replaceChildren();
    }
  }

  /** Find the record of a call: a call between two of our accounts has two. */
  async find() {
    try {
      return (await get(`/api/history/${encodeURIComponent(this.call)}`)).call;
    } catch (error) {
      if (!(error instanceof Problem) || error.type !== "ambiguous-call") return null;
    }
    const found = await attempt(() => get("/api/history", {text: this.call, limit: 20}));
    const same = (found?.calls ?? []).filter((/** @type {any} */ one) => one.id === this.call);
    return same.find((/** @type {any} */ one) => this.account ? one.account === this.account : one.direction === "out") ?? same[0] ?? null;
  }

  update() {
    const live = this.live();
    if (live) {
      this.past = null;
      this.liveNow(live);
    } else if (this.past) this.pastNow();
  }

  /** @param {import("./board.js").Call} call */
  liveNow(call) {
    if (this.shown !== `live ${call.phase}`) {
      this.shown = `live ${call.phase}`;
      this.strip ??= new CallStrip();
      // Put in anew, it would lose who is in it with the keyboard, and its pictures would stand still.
      if (!this.top?.contains(this.strip)) fill(this.top, h("div.page-head", {}, h("h1", {}, "Call")), this.strip);
      fill(this.quality, h("h2", {}, "Quality"), this.plots);
      fill(this.ladder, ladder(call.id, call.account, call.phase));
      this.recordings?.replaceChildren();
    }
    this.strip?.show(call);
    fill(this.steps, ...steps(call.steps), facts([["Id", call.id], ["Media", call.media.join(", ")], ["Time", clock(call.seconds)],
      ...call.guests.map(one => /** @type {[string, string]} */ (["Visitor", `${one.name} ${NOW[one.part]}, from ${number(one.at)} s on`]))]));
    this.draw();
  }

  /** Draw what the ladder has kept, and what has come since. */
  draw() {
    const call = this.live() ?? this.past;
    if (!call) return;
    const seen = board.samples.get(key(call)) ?? [];
    const last = this.kept.at(-1)?.at ?? -1;
    /** @type {any} */ (this.plots).show([...this.kept, ...seen.filter(one => one.at > last)]);
  }

  pastNow() {
    const call = this.past;
    if (this.shown === call.uuid) return;
    this.shown = call.uuid;
    const arrow = call.direction === "out" ? "→" : "←";
    const lasted = call.connected ? (Date.parse(call.ended) - Date.parse(call.connected)) / 1000 : 0;
    fill(this.top, h("div.page-head", {}, h("h1", {}, ...joined(` ${arrow} `, call.account, call.peer.split("/")[0])), badge(call.state, TONES[call.state])),
      call.text && h("p.soft", {}, call.text));
    fill(this.recordings, ...call.recordings.map((/** @type {any} */ one, /** @type {number} */ at) => session.may("listen") ? player(call.uuid, at, one) : null));
    fill(this.steps, ...steps(call.steps), facts([
      ["Began", moment(call.started)], ["Ended", moment(call.ended)], ["Talked", call.connected ? clock(lasted) : "not connected"],
      ["Why it ended", call.reason], ["Id", call.id], ["Record", call.uuid],
      ...call.listeners.map((/** @type {any} */ one) => [PARTS[/** @type {keyof typeof PARTS} */ (one.part)] ?? one.part, `${one.name}, ${one.part === "snapshot" ? "at" : "from"} ${number(one.at)} s${one.part === "snapshot" ? "" : ` for ${number(one.seconds)} s`}`]),
    ]));
    fill(this.quality, h("h2", {}, "Quality"), call.media.length > 0 && this.plots, table(call.media));
    this.draw();
    fill(this.ladder, ladder(call.uuid, "", "ended"));
  }
}

/** @param {Record<string, number>} taken */
function steps(taken) {
  const rows = Object.entries(taken).sort(([, one], [, other]) => one - other);
  return [h("h2", {}, "Steps"), rows.length ? h("ol.steps", {}, ...rows.map(([name, at]) =>
    h("li", {}, h("span.step-name", {}, STEPS[name] ?? name), h("span.figures.soft", {}, seconds(at))))) : h("p.soft", {}, "None was taken.")];
}

/** @param {[string, string][]} pairs */
function facts(pairs) {
  return h("dl.facts", {}, ...pairs.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** @param {any[]} media */
function table(media) {
  if (!media.length) return h("p.soft", {}, "No media flowed.");
  const heads = ["", "codec", "sent", "received", "lost", "jitter", "round trip", "MOS"];
  return h("div.scroll", {tabIndex: 0, role: "region", "aria-label": "Media of the call"}, h("table", {}, h("thead", {}, h("tr", {}, ...heads.map(one => one ? h("th", {scope: "col"}, one) : h("td", {})))),
    h("tbody", {}, ...media.map(one => h("tr", {}, h("th", {scope: "row"}, one.kind), ...[
      one.codec, number(one.sent, 0), number(one.received, 0), number(one.lost, 0), `${number(one.jitter_ms)} ms`, one.rtt_ms === null ? "–" : `${number(one.rtt_ms)} ms`, number(one.mos, 2),
    ].map(text => h("td", {}, text)))))));
}

/** @param {string} call @param {string} account @param {string} stage */
function ladder(call, account, stage) {
  return h("call-ladder", {"data-call": call, "data-account": account, "data-stage": stage});
}

/** @param {string} call @param {number} at @param {any} file */
function player(call, at, file) {
  const made = /** @type {any} */ (document.createElement("recording-player"));
  made.file = file;
  made.call = call;
  made.number = at;
  return made;
}

customElements.define("call-page", CallPage);
