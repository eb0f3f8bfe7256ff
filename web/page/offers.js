// Offers of this page's connections: those to hear a call may be made before somebody wants to.
import {get} from "./api.js";

/** How connections reach the board, as its file says; asked for anew when that failed. @type {Promise<RTCConfiguration> | null} */
let network = null;

/** Codecs that calls have, and the kinds of H.264. A browser offers many more of each, which takes the board's time to read. */
const CODECS = /\/(opus|PCM[AU]|VP8|H264|rtx)$/i;
const BASELINE = /(?=.*packetization-mode=1\b).*profile-level-id=42/i;

/**
 * Offers to hear something that wait for a click, what they offer, and where somebody came near last. They are
 * of no call yet. Neither the browser nor the board has opened anything for them.
 * @type {{place: Element | null, kinds: string, offers: Offer[]}}
 */
let waiting = {place: null, kinds: "", offers: []};

/** Find out how connections reach the board, before somebody waits for one. */
export function findWay() {
  network ??= reach();
  network.catch(() => { network = null; });
  return network;
}

/** Keep nothing any more for somebody who has left, such as how they reach the board. */
export function forget() {
  network = null;
  letGo(waiting.place);
}

/** @returns {Promise<RTCConfiguration>} */
async function reach() {
  const {relay, only} = await get("/api/media");
  const {urls, username, credential} = relay ?? {};
  return {iceServers: relay ? [username ? {urls, username, credential} : {urls}] : [], iceTransportPolicy: only ? "relay" : "all"};
}

/** @param {string} kind */
function known(kind) {
  return (RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [])
    .filter(one => CODECS.test(one.mimeType) && (!/H264$/i.test(one.mimeType) || BASELINE.test(one.sdpFmtpLine ?? "")));
}

/** A connection that makes an offer, and opens nothing. */
export class Offer {
  isOver = false;
  /** @type {RTCPeerConnection | null} */
  connection = null;

  /** @param {(connection: RTCPeerConnection) => void} prepare */
  constructor(prepare) {
    this.made = this.make(prepare);
    this.made.catch(() => {});  // who takes it is told why
  }

  /** @param {(connection: RTCPeerConnection) => void} prepare */
  async make(prepare) {
    const way = await findWay();
    if (this.isOver) throw new Error("The offer was not needed any more.");
    const connection = this.connection = new RTCPeerConnection(way);
    try {
      prepare(connection);
      return {connection, sdp: (await connection.createOffer()).sdp ?? ""};
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Let it go, also while it is being made. */
  close() {
    this.isOver = true;
    this.connection?.close();
  }
}

/** Offer to hear something. @param {string[]} kinds */
function offerToHear(kinds) {
  return new Offer(connection => {
    for (const kind of kinds) connection.addTransceiver(kind, {direction: "recvonly"}).setCodecPreferences(known(kind));
  });
}

/** What is offered to hear a call: a connection for each direction. */
export const DIRECTIONS = /** @type {const} */ ([["received", "Peer"], ["sent", "Bot"]]);

/** Have offers ready for who is about to hear a call. @param {Element} place where that is @param {string[]} kinds */
export function getReady(place, kinds) {
  if (waiting.kinds !== String(kinds)) letGo(waiting.place);
  waiting.place = place;
  waiting.kinds = String(kinds);
  while (waiting.offers.length < DIRECTIONS.length) {
    const offer = offerToHear(kinds);
    offer.made.catch(() => { waiting.offers = waiting.offers.filter(one => one !== offer); });
    waiting.offers.push(offer);
  }
}

/** Need the offers no more that somebody has come near to. @param {Element | null} place where that was */
export function letGo(place) {
  if (waiting.place === place) for (const one of waiting.offers.splice(0)) one.close();
}

/** Take an offer that is ready, or make one. @param {string[]} kinds */
export function ready(kinds) {
  return (waiting.kinds === String(kinds) && waiting.offers.shift()) || offerToHear(kinds);
}
