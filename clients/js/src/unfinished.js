import { jsonOrNull, jsonText } from "./http.js";

/**
 * @typedef {object} UploadIdentity  By it an upload is found again.
 * @property {string} key
 * @property {string} name  Of the file.
 * @property {number} size  Of the file, in bytes.
 * @property {number} lastModified  Of the file; 0 for a `Blob`.
 * @property {string} digest  The SHA-256 of the file's first and last MiB, in hexadecimal.
 *
 * @typedef {UploadIdentity & { loaded: number }} UnfinishedUpload  An upload that was begun and not ended; `loaded` is
 *   the number of bytes that the store has.
 *
 * @typedef {object} ResumeState
 * @property {string} [uploadId]  Of an upload by the S3 API.
 * @property {string} [accessUrl]  Of an upload by a PAR. Its holder can send parts, and complete or abort the upload.
 * @property {Record<number, string>} [sent]  The MD5 of each part that a PAR has taken, in hexadecimal. The store
 *   has no list of them for the holder of a PAR.
 * @property {boolean} [completing]  Whether the store was asked to complete it.
 *
 * @typedef {UnfinishedUpload & ResumeState} UploadState
 */

/** Remembers unfinished uploads in the browser, each for its user only; without a user, as long as the page lives. */
export class UnfinishedUploads {
  /** The states that the browser does not keep; newer than those that it may keep. @type {Record<string, string>} */
  #memory = Object.create(null);
  #scope;

  /** @param {string[]} scope  Tells apart the uploads of different endpoints and buckets. */
  constructor(scope) {
    this.#scope = scope;
  }

  /**
   * @param {string | null} user
   * @returns {UploadState[]}
   */
  list(user) {
    const all = { ...this.#storage(user), ...this.#memory };
    const names = Object.keys(all).filter((name) => name.startsWith(this.#prefix(user)));
    return names.map((name) => jsonOrNull(all[name])).filter((state) => state !== null);
  }

  /**
   * @param {string | null} user
   * @param {UploadIdentity} upload
   * @returns {UploadState | null}
   */
  find(user, upload) {
    const name = this.nameOf(user, upload);
    return jsonOrNull(this.#memory[name] ?? this.#storage(user)[name] ?? "");
  }

  /**
   * @param {string | null} user
   * @param {UploadState} state
   */
  remember(user, state) {
    const [name, text] = [this.nameOf(user, state), JSON.stringify(state)];
    try {
      delete this.#memory[name];
      this.#storage(user)[name] = text;
    } catch {
      this.#memory[name] = text; // as the browser's storage is full
    }
  }

  /**
   * @param {string | null} user
   * @param {UploadIdentity} upload
   */
  forget(user, upload) {
    const name = this.nameOf(user, upload);
    delete this.#storage(user)[name];
    delete this.#memory[name];
  }

  /** @param {string | null} user */
  #storage(user) {
    return (user === null ? null : browserStorage()) ?? this.#memory;
  }

  /** @param {string | null} user */
  #prefix(user) {
    return `presign ${JSON.stringify([...this.#scope, user])} `;
  }

  /**
   * The name by which an upload is remembered.
   *
   * @param {string | null} user
   * @param {UploadIdentity} upload
   */
  nameOf(user, { key, size, lastModified, digest }) {
    return this.#prefix(user) + jsonText([size, lastModified, digest, key]);
  }
}

/**
 * The texts that the browser keeps for the page's origin; null if there is no such place.
 *
 * @returns {Record<string, string> | null}
 */
function browserStorage() {
  try {
    const { localStorage } = globalThis;
    // Node.js has none, and a browser may forbid it, or fail to read it.
    return localStorage?.length >= 0 ? localStorage : null;
  } catch {
    return null;
  }
}
