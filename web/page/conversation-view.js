// A conversation: its calls as strips above, its messages, and what to write and to call with.
import {unknownAccount} from "./account-list.js";
import {get, messagesPath, post, Problem} from "./api.js";
import {avatar} from "./avatar.js";
import {board, key} from "./board.js";
import {CallStrip, listenTo} from "./call-strip.js";
import {conversationsOf, presenceOf} from "./conversation-list.js";
import {fill, follow, h, joined, jointed, say, visible} from "./dom.js";
import {callSomebody, instead} from "./live-media.js";
import {offered} from "./playable.js";
import {session} from "./session.js";
import {attempt, nothing, notify, View} from "./view.js";
import {bare, clock, ending, escaped, hour} from "./words.js";

const SOUNDS = ["tone:440", "silence", "echo", "none"];
const PICTURES = ["none", "pattern", "echo"];
/** Calls that are shown at the most between the messages. */
const MOST_ENDED = 50;
const AUTHORS = {peer: "", bot: "bot", person: "person"};
const DELIVERY = {sent: "sent", received: "received", failed: "not delivered"};

class ConversationView extends View {
  account = "";
  peer = "";
  said = "";
  /** The conversation, as the list has it. @type {any} */
  about;
  /** @type {Message[] | null} */
  written = null;
  /** Whether the last message is in view: then it stays so, whatever comes and grows. */
  isAtEnd = true;
  size = new ResizeObserver(() => this.showEnd());
  /** The last calls that have ended, by their records. @type {Map<string, import("./board.js").PastCall>} */
  ended = new Map();
  /** Whether those of before were asked for: events tell of the others. */
  hasEnded = false;

  build() {
    this.account = this.getAttribute("account") ?? "";
    this.peer = this.getAttribute("peer") ?? "";
    this.calls = h("div.strips", {});
    this.messages = h("div.messages", {role: "list", "aria-label": "Messages", "aria-live": "polite", tabIndex: 0, onscroll: () => { this.isAtEnd = this.below() < 80; }});
    this.presence = h("span.row-note", {});
    this.deaf = h("p.deaf.row-note", {});
    fill(this,
      h("header.conversation-head", {}, h("a.back", {href: `#/accounts/${escaped(this.account)}`, "aria-label": "Back to conversations"}, "‹"),
        avatar(this.peer), h("div.row-main", {}, h("h2", {title: visible(this.peer)}, ...jointed(this.peer)), this.presence), session.may("control") && this.callForm()),
      this.calls, this.messages, this.deaf, session.may("control") && this.writeForm());
    this.renew();
  }

  connectedCallback() {
    super.connectedCallback();
    this.hear(board, "message", event => {
      const {account, peer, sender} = event.detail;
      if (account === this.account && bare(peer ?? sender) === bare(this.peer)) this.renew();
    });
    this.hear(board, "record", ({detail}) => {
      if (detail.account !== this.account || bare(detail.peer) !== bare(this.peer)) return;
      this.keep(detail);
      this.draw();
    });
    this.hear(board, "gap", () => { this.hasEnded = false; });
    this.size.observe(/** @type {Element} */ (this.messages));
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.size.disconnect();
  }

  /** How much of the messages is below what is in view, in pixels. */
  below() { return this.messages.scrollHeight - this.messages.scrollTop - this.messages.clientHeight; }

  showEnd() { if (this.isAtEnd) this.messages.scrollTop = this.messages.scrollHeight; }

  callForm() {
    const audio = h("input", {list: "sounds", value: "tone:440", "aria-label": "Sound that is sent"});
    const video = h("input", {list: "pictures", value: "none", "aria-label": "Picture that is sent"});
    const record = h("input", {type: "checkbox"});
    const close = () => {
      const isInside = options.contains(document.activeElement);
      options.open = false;
      if (isInside) options.querySelector("summary").focus();
    };
    const options = h("details.call-options", {onkeydown: (/** @type {KeyboardEvent} */ event) => { if (event.key === "Escape") close(); }}, h("summary", {"aria-label": "What is sent"}, "▾"),
      h("div.popover", {},
        h("label", {}, "Sound", audio), h("label", {}, "Picture", video), h("label.check", {}, record, "Record both sides"),
        offered("sounds", SOUNDS, "sounds"), offered("pictures", PICTURES, "pictures")));
    const call = (/** @type {string} */ picture) => () => attempt(async () => {
      close();
      const placed = await post("/api/calls", {account: this.account, to: this.peer, audio: audio.value, video: picture || video.value, record: record.checked, seconds: null});
      board.place(placed);
      if (session.may("listen")) listenTo(placed);
    });
    const own = (/** @type {boolean} */ camera) => () => attempt(async () => {
      close();
      await callSomebody(this.account, this.peer, camera);
    });
    this.instead = h("p.row-note", {});
    const talk = session.may("talk") && [
      h("button", {type: "button", onclick: own(false)}, "Call with my microphone"),
      h("button", {type: "button", onclick: own(true)}, "Call with my camera too"),
    ];
    options.querySelector(".popover")?.append(this.instead, ...(talk || []));
    return h("div.call-form", {}, h("button.primary", {type: "button", title: "Call with the sound and the picture chosen beside it", onclick: call("")}, "Call"),
      h("button.primary", {type: "button", title: "Call with a test picture, and the sound chosen beside it", onclick: call("pattern")}, "Video"), options);
  }

  writeForm() {
    const {drafts} = session;
    const name = `${this.account}\n${bare(this.peer)}`;
    const body = h("textarea", {rows: 1, required: true, placeholder: `Write as ${this.account}`, "aria-label": "Message",
      value: drafts.get(name) ?? "", oninput: () => drafts.set(name, body.value)});
    const send = async (/** @type {Event} */ event) => {
      event.preventDefault();
      const text = body.value;
      if (!text.trim()) return;
      this.isAtEnd = true;  // whoever writes wants to see it
      const sent = await attempt(() => post(messagesPath(this.account, this.peer), {body: text}));
      if (!sent) return;
      if (body.value === text) body.value = "";
      if (drafts.get(name) === text) drafts.delete(name);
    };
    const form = h("form.write", {onsubmit: send}, body, h("button.primary", {type: "submit"}, "Send"));
    body.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); form.requestSubmit(); }
    });
    return form;
  }

  async load() {
    const known = await conversationsOf(this.account).catch(() => []);
    if (known === null) { unknownAccount(this, this.account); return; }
    this.about = known.find((/** @type {any} */ one) => one.peer === bare(this.peer));
    this.update();
    if (!session.may("listen")) {
      fill(this.messages, h("p.soft.pad", {role: "listitem"}, "To read messages, log in with a token of the role listen."));
      return;
    }
    const [found, past] = await Promise.all([
      get(messagesPath(this.account, this.peer)).catch(error => this.refused(error)),
      this.hasEnded ? null : get("/api/history", {account: this.account, peer: bare(this.peer), limit: MOST_ENDED}).catch(() => null),
    ]);
    if (!found) return;
    this.written = found.messages;
    for (const one of past?.calls ?? []) this.keep(one);
    this.hasEnded ||= past !== null;
    this.draw();
  }

  /** Say why there is no such conversation, in its place; or what else is wrong. @param {Error} error */
  refused(error) {
    if (!(error instanceof Problem) || error.type !== "wrong-argument") notify(error.message, "bad");
    else nothing(this, "There is no such address", error.message, "h2", {href: `#/accounts/${escaped(this.account)}`, words: "See the conversations"});
  }

  /** Keep a call that has ended, in the place of the oldest if there are many. @param {import("./board.js").PastCall} call */
  keep(call) {
    this.ended.set(call.uuid, call);
    if (this.ended.size <= MOST_ENDED) return;
    const oldest = [...this.ended.values()].reduce((one, other) => one.ended < other.ended ? one : other);
    this.ended.delete(oldest.uuid);
  }

  /** Show what was written, and between it the calls that have ended. */
  draw() {
    if (!this.written) return;
    const when = (/** @type {Message | PastCall} */ one) => Date.parse("uuid" in one ? one.ended : one.time);
    /** @type {(Message | PastCall)[]} */
    const all = [...this.written];
    for (const call of [...this.ended.values()].sort((one, other) => when(one) - when(other))) {
      const place = all.findIndex(one => when(one) > when(call));
      all.splice(place < 0 ? all.length : place, 0, call);
    }
    // Only what has come is put in: a screen reader says it all, and what somebody has marked stays.
    if (all.length) follow(this.messages, all, keys(), one => "uuid" in one ? new CallRow() : new MessageRow());
    else fill(this.messages, h("p.soft.pad", {role: "listitem"}, "No messages yet."));
    this.showEnd();
  }

  update() {
    const words = [board.stands(presenceOf(this.peer, this.about)), this.about?.status].filter(Boolean);
    if (words.join() !== this.said) fill(this.presence, ...joined(" · ", ...words));
    this.said = words.join();
    say(this.deaf, session.may("control") ? board.deafOf(this.account, this.peer) : "");
    if (this.instead) say(this.instead, instead());
    const failures = board.failures().filter(one => one.account === this.account && bare(one.peer) === bare(this.peer));
    follow(this.calls, [...board.callsWith(this.account, this.peer), ...failures], key, () => new CallStrip(true));
  }
}

/** @typedef {{time: string, direction: "in" | "out", author: "peer" | "bot" | "person", body: string, delivery: "sent" | "received" | "failed" | null}} Message */

/** @typedef {import("./board.js").PastCall} PastCall */

/** Name messages, also such as are alike, and calls. */
function keys() {
  /** @type {Map<string, number>} */
  const seen = new Map();
  return (/** @type {Message | PastCall} */ one) => {
    if ("uuid" in one) return one.uuid;
    const name = [one.time, one.direction, one.body].join("\n");
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return `${count} ${name}`;
  };
}

class MessageRow extends HTMLElement {
  /** @param {Message} one */
  show(one) {
    if (!this.body) {
      this.setAttribute("role", "listitem");
      this.append(this.body = h("p.body", {dir: "auto"}, one.body), this.note = h("p.message-note", {}));
      this.classList.add("message", one.direction, one.author);
    }
    say(this.note, [AUTHORS[one.author], hour(one.time), one.delivery && one.delivery !== "sent" ? DELIVERY[one.delivery] : ""].filter(Boolean).join(" · "));
    this.classList.toggle("failed", one.delivery === "failed");
  }
}

class CallRow extends HTMLElement {
  /** @param {PastCall} call */
  show(call) {
    if (this.childElementCount) return;
    const {how, why} = ending(call);
    const lasted = call.connected && call.state === "completed" ? clock((Date.parse(call.ended) - Date.parse(call.connected)) / 1000) : "";
    this.setAttribute("role", "listitem");
    this.classList.add("call-row", "row-note");
    fill(this, h("a", {href: `#/calls/${escaped(call.uuid)}`}, `${how}${lasted && ` of ${lasted}`}, ${hour(call.ended)}`), why && ": ", ...joined("", why));
  }
}

customElements.define("message-row", MessageRow);
customElements.define("call-row", CallRow);
customElements.define("conversation-view", ConversationView);
