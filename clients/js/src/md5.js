const SHIFTS = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
const SHIFT_OF_STEP = Int32Array.from({ length: 64 }, (_, step) => SHIFTS[step >> 4][step & 3]);
const SINES = Int32Array.from({ length: 64 }, (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32));
const BLOCK_BYTES = 64;

/** MD5 (RFC 1321), which WebCrypto lacks, of bytes that come piece by piece. */
export class Md5 {
  #state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  #words = new Int32Array(16);
  #rest = new Uint8Array(0);
  #length = 0;

  /** @param {Uint8Array} bytes */
  update(bytes) {
    this.#length += bytes.length;
    const data = new Uint8Array(this.#rest.length + bytes.length);
    data.set(this.#rest);
    data.set(bytes, this.#rest.length);
    const whole = data.length - (data.length % BLOCK_BYTES);
    const view = new DataView(data.buffer);
    for (let at = 0; at < whole; at += BLOCK_BYTES) this.#block(view, at);
    this.#rest = data.slice(whole);
  }

  /** @returns {Uint8Array<ArrayBuffer>} */
  digest() {
    const bits = BigInt(this.#length) * 8n;
    const padding = new Uint8Array(1 + ((2 * BLOCK_BYTES - 9 - this.#rest.length) % BLOCK_BYTES) + 8);
    padding[0] = 0x80;
    new DataView(padding.buffer).setBigUint64(padding.length - 8, bits, true);
    this.update(padding);
    const digest = new Uint8Array(16);
    const view = new DataView(digest.buffer);
    this.#state.forEach((word, index) => view.setInt32(index * 4, word, true));
    return digest;
  }

  /**
   * @param {DataView} view
   * @param {number} at
   */
  #block(view, at) {
    const words = this.#words;
    for (let index = 0; index < 16; index++) words[index] = view.getInt32(at + index * 4, true);
    let a = this.#state[0];
    let b = this.#state[1];
    let c = this.#state[2];
    let d = this.#state[3];
    for (let step = 0; step < 64; step++) {
      let mixed = 0;
      let word = 0;
      if (step < 16) {
        mixed = (b & c) | (~b & d);
        word = step;
      } else if (step < 32) {
        mixed = (d & b) | (~d & c);
        word = (5 * step + 1) & 15;
      } else if (step < 48) {
        mixed = b ^ c ^ d;
        word = (3 * step + 5) & 15;
      } else {
        mixed = c ^ (b | ~d);
        word = (7 * step) & 15;
      }
      const sum = (a + mixed + SINES[step] + words[word]) | 0;
      const shift = SHIFT_OF_STEP[step];
      a = d;
      d = c;
      c = b;
      b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
    }
    this.#state[0] += a;
    this.#state[1] += b;
    this.#state[2] += c;
    this.#state[3] += d;
  }
}
