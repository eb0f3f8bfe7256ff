// The board's HTTP API, whose first client this page is.
import {sentence} from "./words.js";

/** A request was refused; the message says what to do. */
export class Problem extends Error {
  /** @param {number} status @param {string} type @param {string} detail */
  constructor(status, type, detail) {
    super(sentence(detail));
    this.status = status;
    this.type = type;
  }
}

/** Told when nobody knows the visitor any more. */
export const signedOut = new EventTarget();

/**
 * Ask for something, or give a command.
 * @param {string} method
 * @param {string} target
 * @param {any} [body] sent as JSON
 * @param {AbortSignal} [signal] ends it
 * @returns {Promise<any>}
 */
export async function ask(method, target, body, signal) {
  const answer = await request(target, {
    method,
    signal: signal ?? null,
    headers: body === undefined ? {} : {"Content-Type": "application/json"},
    body: body === undefined ? null : JSON.stringify(body),
  });
  return answer.status === 204 ? null : answer.json().catch(() => ({}));
}

/**
 * Ask for a file.
 * @param {string} target
 * @param {HeadersInit} [headers]
 * @returns {Promise<Blob>}
 */
export async function file(target, headers = {}) { return (await request(target, {headers})).blob(); }

/** @param {string} target @param {RequestInit} with_ @returns {Promise<Response>} */
async function request(target, with_) {
  let answer;
  try {
    answer = await fetch(target, {...with_, credentials: "same-origin"});
  } catch {
    throw new Problem(0, "unreachable", "Callboard does not answer. It may have ended, or be starting anew.");
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 401 && target !== "/api/session") signedOut.dispatchEvent(new Event("change"));
  throw new Problem(answer.status, told.type ?? "", told.detail ?? answer.statusText);
}

/** @param {string} target @param {Record<string, any>} [query] @param {AbortSignal} [signal] ends it */
export function get(target, query = {}, signal = undefined) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const words = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return ask("GET", words ? `${target}?${words}` : target, undefined, signal);
}

/** @param {string} target @param {any} [body] */
export function post(target, body = {}) { return ask("POST", target, body); }

/** @param {string} call */
export function callPath(call) { return `/api/calls/${encodeURIComponent(call)}`; }

/** @param {string} account */
export function accountPath(account) { return `/api/accounts/${encodeURIComponent(account)}`; }

/** @param {string} account @param {string} peer */
export function messagesPath(account, peer) {
  return `${accountPath(account)}/conversations/${encodeURIComponent(peer)}/messages`;
}
