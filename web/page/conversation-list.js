// The conversations of one account: with whom it writes and calls.
import {unknownAccount} from "./account-list.js";
import {accountPath, get, messagesPath, Problem} from "./api.js";
import {avatar, badge} from "./avatar.js";
import {board} from "./board.js";
import {fill, h, joined, jointed} from "./dom.js";
import {session} from "./session.js";
import {attempt, View} from "./view.js";
import {bare, escaped, hour, TONES} from "./words.js";

/** What was asked for and is not there yet, by account: the list and the open conversation ask at the same time. @type {Map<string, Promise<any[] | null>>} */
const asked = new Map();

/** Ask with whom an account writes and calls; null: there is no such account. @param {string} account */
export function conversationsOf(account) {
  const found = asked.get(account) ?? conversations(account).finally(() => asked.delete(account));
  asked.set(account, found);
  return found;
}

/** @param {string} account @returns {Promise<any[] | null>} */
async function conversations(account) {
  try {
    return (await get(`${accountPath(account)}/conversations`)).conversations;
  } catch (error) {
    if (error instanceof Problem && error.type === "unknown-account") return null;
    throw error;
  }
}

/** What is known of somebody's presence; of an account of ours, how it stands. @param {string} peer @param {any} [one] their conversation */
export function presenceOf(peer, one) {
  return one?.presence || board.accounts.get(bare(peer))?.state || "";
}

class ConversationList extends View {
  account = "";
  shown = "";

  build() {
    this.account = this.getAttribute("account") ?? "";
    /** @type {any[]} */
    this.known = [];
    this.to = h("input", {type: "text", required: true, placeholder: "someone@example.org", "aria-label": "Address of a new conversation", autocomplete: "off", spellcheck: false});
    this.rows = h("ul.rows", {"aria-label": `Conversations of ${this.account}`});
    this.append(
      h("div.bar", {}, h("a.back", {href: "#/", "aria-label": "Back to accounts"}, "‹"), h("h2", {}, ...jointed(this.account))),
      session.may("control") && h("form.line", {onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); return this.open(this.to.value.trim()); }},
        this.to, h("button", {type: "submit"}, "Open")) || "",
      this.rows);
    this.renew();
  }

  connectedCallback() {
    super.connectedCallback();
    this.hear(board, "message", event => event.detail.account === this.account && this.renew());
    this.hear(board, "call", event => event.detail.account === this.account && this.renew());
  }

  /** Open a conversation, if somebody can be there. @param {string} peer */
  async open(peer) {
    if (peer && await attempt(() => get(messagesPath(this.account, peer)))) location.hash = `#/accounts/${escaped(this.account)}/${escaped(peer)}`;
  }

  async load() {
    const found = await attempt(() => conversationsOf(this.account));
    if (found === null) unknownAccount(this, this.account);
    else if (found) { this.known = found; this.update(); }
  }

  update() {
    const peers = new Map(this.known.map(one => [one.peer, one]));
    for (const call of board.callsOf(this.account))
      if (!peers.has(bare(call.peer))) peers.set(bare(call.peer), {peer: bare(call.peer), presence: "", messages: 0, last: null});
    const chosen = decodeURIComponent(location.hash.split("/")[3] ?? "");
    const now = JSON.stringify([[...peers.values()].map(one => [one, presenceOf(one.peer, one)]), chosen, board.callsOf(this.account).map(one => [one.peer, one.phase]), board.lostAt]);
    if (now === this.shown) return;
    this.shown = now;
    const rows = [...peers.values()].map(one => {
      const presence = presenceOf(one.peer, one);
      const calls = board.callsWith(this.account, one.peer);
      const count = one.messages ? `${one.messages} ${one.messages === 1 ? "message" : "messages"}` : presence || one.status ? "" : "no messages yet";
      return h("li", {}, h("a.row", {href: `#/accounts/${escaped(this.account)}/${escaped(one.peer)}`, "aria-current": bare(chosen) === one.peer ? "page" : undefined},
        avatar(one.peer, presence ? TONES[presence] ?? "" : undefined),
        h("span.row-main", {}, h("span.row-title", {}, ...jointed(one.name || one.peer)),
          h("span.row-note", {}, ...joined(" · ", board.stands(presence), one.status, count))),
        calls.length ? badge(board.stands(calls[0].phase), TONES[calls[0].phase]) : h("span.row-note", {}, hour(one.last))));
    });
    fill(this.rows, ...rows, !rows.length && h("li.soft.pad", {}, session.may("control") ? "Nobody yet. Open a conversation with an address above." : "Nobody yet."));
  }
}

customElements.define("conversation-list", ConversationList);
