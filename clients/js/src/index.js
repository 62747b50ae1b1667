export { PresignClient } from "./client.js";
export { PAUSE, PresignError } from "./errors.js";
export { MAX_PARTS, MIN_PART_BYTES } from "./s3_parts.js";
export { MULTIPART_FROM_BYTES } from "./upload.js";
