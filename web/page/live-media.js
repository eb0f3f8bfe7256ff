// Hearing a call and talking in it: one WHEP resource for each direction, one WHIP resource for the person.
import {callPath, Problem} from "./api.js";
import {h} from "./dom.js";
import {notify} from "./view.js";

/** Milliseconds in which addresses are gathered before the offer goes out. */
const GATHERING = 1500;

/** @param {RTCPeerConnection} connection */
function gathered(connection) {
  return new Promise(resolve => {
    const look = () => { if (connection.iceGatheringState === "complete") resolve(null); };
    connection.addEventListener("icegatheringstatechange", look);
    setTimeout(() => resolve(null), GATHERING);
    look();
  });
}

/** A connection that an offer over HTTP has made (WHEP, WHIP: RFC 9725). */
class Resource {
  /** @param {RTCPeerConnection} connection @param {string} location */
  constructor(connection, location) {
    this.connection = connection;
    this.location = location;
  }

  /** @param {string} target @param {(connection: RTCPeerConnection) => void} prepare */
  static async make(target, prepare) {
    const connection = new RTCPeerConnection();
    try {
      prepare(connection);
      await connection.setLocalDescription();
      await gathered(connection);
      const answer = await fetch(target, {method: "POST", headers: {"Content-Type": "application/sdp"}, body: connection.localDescription?.sdp ?? "", credentials: "same-origin"});
      const text = await answer.text();
      if (!answer.ok) throw refused(answer.status, text);
      await connection.setRemoteDescription({type: "answer", sdp: text});
      return new Resource(connection, answer.headers.get("Location") ?? "");
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  close() {
    this.connection.close();
    if (this.location) fetch(this.location, {method: "DELETE", credentials: "same-origin", keepalive: true}).catch(() => {});
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

export class LiveMedia {
  /** @param {import("./board.js").Call} call @param {Element} place @param {() => void} changed */
  constructor(call, place, changed) {
    this.call = call;
    this.place = place;
    this.changed = changed;
    /** @type {Resource[]} */
    this.heard = [];
    /** @type {Resource | null} */
    this.talk = null;
    /** @type {MediaStream | null} */
    this.own = null;
    this.screens = h("div.screens", {});
  }

  get hears() { return this.heard.length > 0; }
  get talks() { return this.talk !== null; }

  async listen() {
    this.place.append(this.screens);
    try {
      for (const [direction, words] of /** @type {const} */ ([["received", "Peer"], ["sent", "Bot"]]))
        this.heard.push(await this.hear(direction, words));
    } catch (error) {
      this.stopListening();
      throw error;
    }
    this.changed();
  }

  /** @param {string} direction @param {string} words */
  async hear(direction, words) {
    const stream = new MediaStream();
    const screen = h("video", {autoplay: true, playsInline: true, controls: true, "aria-label": `${words}, live`});
    screen.srcObject = stream;
    const figure = h("figure.screen", {}, screen, h("figcaption", {}, words));
    if (!this.call.media.includes("video")) figure.classList.add("sound");
    const target = `${callPath(this.call.id)}/listen/${direction}?account=${encodeURIComponent(this.call.account)}`;
    const resource = await Resource.make(target, connection => {
      for (const kind of this.call.media) connection.addTransceiver(kind, {direction: "recvonly"});
      connection.ontrack = event => stream.addTrack(event.track);
      connection.onconnectionstatechange = () => { if (connection.connectionState === "failed") { notify("Listening was broken off.", "bad"); this.stopListening(); } };
    });
    this.screens.append(figure);
    return resource;
  }

  stopListening() {
    for (const one of this.heard.splice(0)) one.close();
    this.screens.replaceChildren();
    this.screens.remove();
    this.changed();
  }

  async askHowToTalk() {
    const close = () => dialog.remove();
    const choose = (/** @type {string} */ mode) => async () => { close(); try { await this.talkAs(mode); } catch (error) { notify(error instanceof Error ? error.message : String(error), "bad"); } };
    const dialog = h("div.line.choice", {role: "group", "aria-label": "How to talk"},
      h("button.primary", {type: "button", onclick: choose("join")}, "Join beside the bot"),
      h("button", {type: "button", onclick: choose("take-over")}, "Take over from the bot"),
      h("button.plain", {type: "button", onclick: close}, "Cancel"));
    this.place.append(dialog);
    dialog.querySelector("button").focus();
  }

  /** @param {string} mode */
  async talkAs(mode) {
    if (!navigator.mediaDevices) throw new Error("The browser gives a microphone only over HTTPS, or on this machine: see docs/board.md.");
    const own = this.own = await navigator.mediaDevices.getUserMedia({audio: true, video: mode === "take-over" && this.call.media.includes("video")});
    const target = `${callPath(this.call.id)}/talk?how=${mode}&account=${encodeURIComponent(this.call.account)}`;
    try {
      this.talk = await Resource.make(target, connection => {
        for (const track of own.getTracks()) connection.addTransceiver(track, {direction: "sendonly", streams: [own]});
        connection.onconnectionstatechange = () => { if (["failed", "closed"].includes(connection.connectionState)) this.stopTalking(); };
      });
    } catch (error) {
      this.stopTalking();
      throw error;
    }
    if (!this.hears) await this.listen();
    this.changed();
  }

  stopTalking() {
    this.talk?.close();
    this.talk = null;
    for (const track of this.own?.getTracks() ?? []) track.stop();
    this.own = null;
    this.changed();
  }

  close() {
    if (this.hears) this.stopListening();
    if (this.talks) this.stopTalking();
  }
}
