// A conversation: its calls as strips above, its messages, and what to write and to call with.
import {unknownAccount} from "./account-list.js";
import {get, messagesPath, post} from "./api.js";
import {avatar} from "./avatar.js";
import {board, key} from "./board.js";
import {CallStrip, listenTo} from "./call-strip.js";
import {conversationsOf, presenceOf} from "./conversation-list.js";
import {fill, follow, h, joined, jointed, say, visible} from "./dom.js";
import {callSomebody} from "./live-media.js";
import {offered} from "./playable.js";
import {session} from "./session.js";
import {attempt, View} from "./view.js";
import {bare, escaped, hour} from "./words.js";

const SOUNDS = ["tone:440", "silence", "echo", "none"];
const PICTURES = ["none", "pattern", "echo"];
const AUTHORS = {peer: "", bot: "bot", person: "person"};
const DELIVERY = {sent: "sent", received: "received", failed: "not delivered"};

class ConversationView extends View {
  account = "";
  peer = "";
  said = "";
  /** The conversation, as the list has it. @type {any} */
  about;

  build() {
    this.account = this.getAttribute("account") ?? "";
    this.peer = this.getAttribute("peer") ?? "";
    this.calls = h("div.strips", {});
    this.messages = h("div.messages", {role: "list", "aria-label": "Messages", "aria-live": "polite", tabIndex: 0});
    this.presence = h("span.row-note", {});
    fill(this,
      h("header.conversation-head", {}, h("a.back", {href: `#/accounts/${escaped(this.account)}`, "aria-label": "Back to conversations"}, "‹"),
        avatar(this.peer), h("div.row-main", {}, h("h2", {title: visible(this.peer)}, ...jointed(this.peer)), this.presence), session.may("control") && this.callForm()),
      this.calls, this.messages, session.may("control") && this.writeForm());
    this.load();
  }

  connectedCallback() {
    super.connectedCallback();
    this.hear(board, "message", event => {
      const {account, peer, sender} = event.detail;
      if (account === this.account && bare(peer ?? sender) === bare(this.peer)) this.load();
    });
    this.hear(board, "gap", () => this.load());
  }

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
        offered("sounds", SOUNDS), offered("pictures", PICTURES)));
    const call = (/** @type {string} */ picture) => () => attempt(async () => {
      close();
      const placed = await post("/api/calls", {account: this.account, to: this.peer, audio: audio.value, video: picture || video.value, record: record.checked, seconds: null});
      if (session.may("listen")) listenTo(placed);
    });
    const own = (/** @type {boolean} */ camera) => () => attempt(async () => {
      close();
      await callSomebody(this.account, this.peer, camera);
    });
    const talk = session.may("talk") && [
      h("button", {type: "button", onclick: own(false)}, "Call with my microphone"),
      h("button", {type: "button", onclick: own(true)}, "Call with my camera too"),
    ];
    options.querySelector(".popover")?.append(...(talk || []));
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
    const found = await attempt(() => get(messagesPath(this.account, this.peer)));
    if (!found) return;
    const atEnd = this.messages.scrollHeight - this.messages.scrollTop - this.messages.clientHeight < 80;
    // Only what has come is put in: a screen reader says it all, and what somebody has marked stays.
    if (found.messages.length) follow(this.messages, found.messages, keys(), () => new MessageRow());
    else fill(this.messages, h("p.soft.pad", {role: "listitem"}, "No messages yet."));
    if (atEnd) this.messages.scrollTop = this.messages.scrollHeight;
  }

  update() {
    const words = [presenceOf(this.peer, this.about), this.about?.status].filter(Boolean);
    if (words.join() !== this.said) fill(this.presence, ...joined(" · ", ...words));
    this.said = words.join();
    follow(this.calls, board.callsWith(this.account, this.peer), key, () => new CallStrip(true));
  }
}

/** @typedef {{time: string, direction: "in" | "out", author: "peer" | "bot" | "person", body: string, delivery: "sent" | "received" | "failed" | null}} Message */

/** Name messages, also such as are alike. */
function keys() {
  /** @type {Map<string, number>} */
  const seen = new Map();
  return (/** @type {Message} */ one) => {
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

customElements.define("message-row", MessageRow);
customElements.define("conversation-view", ConversationView);
