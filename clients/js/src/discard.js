/** @import { Api } from "./api.js" */
/** @import { UnfinishedUpload, UnfinishedUploads, UploadState } from "./unfinished.js" */
import { checkText } from "./arguments.js";
import { invalidArgument } from "./errors.js";
import { isBlob } from "./file.js";
import { ParParts } from "./par_parts.js";
import { S3Parts } from "./s3_parts.js";
import { identityOf } from "./upload_job.js";

/**
 * Give up an unfinished upload.
 *
 * @param {Api} api
 * @param {UnfinishedUploads} unfinished
 * @param {Blob | UnfinishedUpload} file
 * @param {string} key
 */
export async function discard(api, unfinished, file, key) {
  checkText(key, "The key");
  if (!isBlob(file) && typeof (file ?? "") !== "object") {
    throw invalidArgument("The file must be a File, a Blob, or what `unfinished` gave.");
  }
  const identity = isBlob(file) ? await identityOf(file, key) : { ...file, key };
  const user = await api.user();
  const state = unfinished.find(user, identity);
  if (!state) return;
  await abortUpload(api, state);
  unfinished.forget(user, state);
}

/**
 * Let the store drop the parts of an upload.
 *
 * @param {Api} api
 * @param {UploadState} state
 * @param {AbortSignal} [signal]
 */
export async function abortUpload(api, state, signal) {
  await (state.accessUrl ? ParParts.abort(state, signal) : S3Parts.abort(api, state, signal));
}
