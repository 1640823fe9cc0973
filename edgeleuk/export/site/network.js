// The model in LiteRT.js, and everything from a file to its answer. Nothing is fetched but what lies beside this page.

import { loadAndCompile, loadLiteRt, Tensor } from "./vendor/litertjs/index.js";
import { answerSet, asProbabilities, decide, softened } from "./decision.js";
import { fitToInput, inputSize, withoutOpacity } from "./pixels.js";

const MOST_PIXELS = 25e6;

export class Network {
  static async load() {
    const [spec, facts] = await Promise.all(["spec.json", "model.json"].map(json));
    await loadLiteRt("./vendor/litertjs/wasm/");
    const response = await fetch("model.tflite");
    if (!response.ok) throw new Error(`model.tflite: ${response.status}`);
    const compiled = await loadAndCompile(new Uint8Array(await response.arrayBuffer()), { accelerator: "wasm" });
    return new Network(spec, facts, compiled);
  }

  constructor(spec, facts, compiled) {
    Object.assign(this, { spec, facts, compiled, channels: spec.preprocessing.colour_order === "GREY" ? 1 : 3 });
  }

  /** The network's pixels of a file, Uint8Array. */
  async pixelsOf(blob) {
    return fitToInput(await decoded(blob), this.spec.preprocessing);
  }

  /** One score for each output of Uint8Array pixels, as real numbers. */
  async scoresOf(pixels) {
    const [width, height] = inputSize(this.spec.preprocessing), shape = [1, height, width, this.channels];
    const input = new Tensor(this.facts.input.dtype === "uint8" ? this.codes(pixels) : this.scaled(pixels), shape);
    let output;
    try {
      [output] = await this.compiled.run([input]);
      const raw = Array.from(output.toTypedArray());
      const { dtype, scale, zero_point: zero } = this.facts.output;
      return dtype === "uint8" ? raw.map(code => scale * (code - zero)) : raw;
    } finally {
      input.delete();
      output?.delete();
    }
  }

  async answerTo(pixels) {
    const { spec, facts } = this, scores = await this.scoresOf(pixels);
    const probabilities = softened(asProbabilities(scores, spec), spec.decision?.temperature ?? 1, facts.output.scale ?? 0);
    const chosen = decide(probabilities, spec), names = spec.classes.map(name => facts.shown_names[name] ?? name);
    return { label: names[chosen], names, probabilities, set: answerSet(probabilities, chosen, spec).map(each => names[each]) };
  }

  codes(pixels) {
    const table = this.facts.input.codes;
    return table ? pixels.map(pixel => table[pixel]) : pixels;
  }

  scaled(pixels) {
    const { pixel_scale: scale, pixel_offset: offset } = this.spec.preprocessing, f = Math.fround;
    const of = (value, place) => f(Array.isArray(value) ? value[place % this.channels] : value);
    return Float32Array.from(pixels, (pixel, place) => f(f(pixel * of(scale, place)) + of(offset, place)));
  }
}

async function json(name) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response.json();
}

/** A file's pixels: upright, in sRGB, on black. */
async function decoded(blob) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { premultiplyAlpha: "none" });
  } catch {
    throw new Error("this browser cannot decode it; give BMP, PNG, JPEG or WebP");
  }
  try {
    const { width, height } = bitmap;
    if (width * height > MOST_PIXELS) throw new Error(`${width}x${height} is more than ${MOST_PIXELS / 1e6} megapixels`);
    const context = new OffscreenCanvas(width, height).getContext("2d", { alpha: false, willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    return withoutOpacity(context.getImageData(0, 0, width, height));
  } finally {
    bitmap.close();
  }
}
