// A connection of this page's with the board, by HTTP: a resource of WHEP or of WHIP.
import {ask, Problem} from "./api.js";

/** @typedef {import("./offers.js").Offer} Offer */

/** A connection that an offer over HTTP has made (WHEP, WHIP: RFC 9725). */
export class Resource {
  /** @param {RTCPeerConnection} connection @param {string} location @param {string} call */
  constructor(connection, location, call) {
    this.connection = connection;
    this.location = location;
    /** The call that it has placed, if it has. */
    this.call = call;
    /** What carries it, once somebody waits for its end. @type {RTCDtlsTransport | null | undefined} */
    this.transport = null;
  }

  /** @param {string} target @param {Offer} offer */
  static async make(target, offer) {
    const {connection, sdp} = await offer.made;
    try {
      // Sent at once, without candidates: the answer has all of the board's, and ours are learned from the checks.
      const [answer] = await Promise.all([
        fetch(target, {method: "POST", headers: {"Content-Type": "application/sdp"}, body: sdp, credentials: "same-origin"}),
        connection.setLocalDescription({type: "offer", sdp}),
      ]);
      const text = await answer.text();
      if (!answer.ok) throw refused(answer.status, text);
      await connection.setRemoteDescription({type: "answer", sdp: text});
      const call = /<\/api\/calls\/([^>]+)>; rel="related"/.exec(answer.headers.get("Link") ?? "")?.[1] ?? "";
      return new Resource(connection, answer.headers.get("Location") ?? "", decodeURIComponent(call));
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /**
   * Have something done when the other side has ended it, with why.
   * @param {(why: string) => void} then told nothing if that is known
   * @param {() => Promise<boolean>} isKnown finds out whether it is
   */
  onEnd(then, isKnown) {
    const transport = this.transport = this.connection.getTransceivers().map(one => one.receiver.transport).find(Boolean);
    const look = async () => {
      if (![this.connection.connectionState, transport?.state].some(state => state === "closed" || state === "failed")) return;
      this.forget();
      if (await isKnown()) return then("");
      const lost = "the connection was lost";
      then(await ask("DELETE", this.location).then(() => lost, error => [401, 410].includes(error.status) ? error.message : lost));
    };
    this.connection.onconnectionstatechange = look;
    // Chromium learns at once that its transport was closed, and only when ICE fails that the connection was.
    if (transport) transport.onstatechange = look;
  }

  /** Look no more whether it has ended. */
  forget() {
    this.connection.onconnectionstatechange = null;
    if (this.transport) this.transport.onstatechange = null;
  }

  /** @param {boolean} [isOver] whether it has ended with its call */
  close(isOver = false) {
    this.forget();
    this.connection.close();
    if (this.location && !isOver) fetch(this.location, {method: "DELETE", credentials: "same-origin", keepalive: true}).catch(() => {});
  }
}

/** @param {number} status @param {string} text */
function refused(status, text) {
  try {
    const told = JSON.parse(text);
    return new Problem(status, told.type, told.detail);
  } catch {
    return new Problem(status, "", status === 404 || status === 405 ? "This board can't do that." : `refused (${status})`);
  }
}
