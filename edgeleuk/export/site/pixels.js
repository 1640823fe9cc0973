// From a picture to the network's pixels, as edgeleuk/runtime/preprocessing.py does it: the browser's own resizing
// smooths otherwise, and a network answers otherwise to it. Resizing is Pillow's (src/libImaging/Resample.c), to the bit.

const PRECISION = 32 - 8 - 2; // bits behind the point of Pillow's weights
const BACKGROUND = 240, BRIGHT_SHARE = 0.9, BLACK = 8, LEAST_GAIN = 0.5, MOST_GAIN = 4, COUNTED_PX = 80;
const MOST_TIMES_AS_LONG = 20;

const FILTERS = {
  bilinear: { support: 1, weight: x => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: cubic },
  lanczos: { support: 3, weight: x => (-3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function cubic(signed) {
  const a = -0.5, x = Math.abs(signed);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** Half to even, as Python's round(). */
function rounded(value) {
  const low = Math.floor(value), rest = value - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}

/** A picture: width, height and data, RGB without opacity, Uint8Array of width * height * 3. */
export function withoutOpacity({ width, height, data }) {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = data[from];
    rgb[to + 1] = data[from + 1];
    rgb[to + 2] = data[from + 2];
  }
  return { width, height, data: rgb };
}

/** The network's pixels, Uint8Array of height * width * channels in the spec's colour order. */
export function fitToInput(picture, prepare) {
  let pixels = inColourOrder(fitted(picture, prepare).data, prepare.colour_order);
  return prepare.colour_constancy === "background" ? constantColours(pixels, inputSize(prepare)) : pixels;
}

export function inputSize(prepare) {
  return [prepare.input_width_px ?? prepare.input_size_px, prepare.input_size_px];
}

function fitted(picture, prepare) {
  const [width, height] = inputSize(prepare), fit = prepare.fit ?? "crop";
  if (fit === "shorter_side") {
    const scaled = resized(picture, ...shorterSide(picture, prepare), prepare.resample);
    const left = rounded((scaled.width - width) / 2), top = rounded((scaled.height - height) / 2);
    return cut(scaled, left, top, width, height);
  }
  return resized(fit === "crop" ? centre(picture, prepare) : picture, width, height, prepare.resample);
}

function centre(picture, prepare) {
  const [width, height] = inputSize(prepare), shorter = Math.min(width, height);
  const cutWidth = rounded(prepare.crop_px * width / shorter), cutHeight = rounded(prepare.crop_px * height / shorter);
  const left = Math.floor((picture.width - cutWidth) / 2), top = Math.floor((picture.height - cutHeight) / 2);
  return cut(picture, left, top, cutWidth, cutHeight);
}

function shorterSide({ width, height }, prepare) {
  const short = prepare.shorter_side_px;
  const size = width <= height ? [short, Math.trunc(short * height / width)] : [Math.trunc(short * width / height), short];
  if (Math.max(...size) > MOST_TIMES_AS_LONG * Math.max(short, ...inputSize(prepare))) {
    throw new Error(`a picture of ${width}x${height} px is too narrow to be scaled to ${short} px on its shorter side`);
  }
  return size;
}

/** A rectangle of a picture, black where it lies outside. */
function cut(picture, left, top, width, height) {
  if (left === 0 && top === 0 && width === picture.width && height === picture.height) return picture;
  const data = new Uint8Array(width * height * 3);
  const first = Math.max(0, left), last = Math.min(picture.width, left + width);
  for (let y = Math.max(0, top); first < last && y < Math.min(picture.height, top + height); y++) {
    const row = picture.data.subarray((y * picture.width + first) * 3, (y * picture.width + last) * 3);
    data.set(row, ((y - top) * width + first - left) * 3);
  }
  return { width, height, data };
}

export function resized(picture, width, height, resample) {
  if (picture.width === width && picture.height === height) return picture;
  if (resample === "nearest") return nearest(picture, width, height);
  if (resample === "tf-bilinear") return interpolated(picture, width, height);
  if (resample === "reduce") return reduced(picture, width, height);
  const filter = FILTERS[resample];
  if (!filter) throw new Error(`this page knows no resampling filter ${resample}`);
  return filtered(picture, width, height, filter);
}

/** `spans`: how many pixels of the picture each axis is, where its last ones stand for less than the others. */
function filtered(picture, width, height, filter, spans = [picture.width, picture.height]) {
  // Which axis Pillow 13 takes first, as measured; each is rounded to 8 bits, so the order shows.
  const verticalFirst = height < picture.height && picture.height - height > 2 * (picture.width - width);
  const [wide, high] = spans;
  const across = made => (made.width === width && wide === width ? made : convolved(made, width, filter, true, wide));
  const down = made => (made.height === height && high === height ? made : convolved(made, height, filter, false, high));
  return verticalFirst ? across(down(picture)) : down(across(picture));
}

/** One axis resized: each place is a sum of weights times pixels, in fixed point, rounded to 8 bits. */
function convolved(picture, length, filter, horizontal, span) {
  const before = horizontal ? picture.width : picture.height;
  const width = horizontal ? length : picture.width, height = horizontal ? picture.height : length;
  const data = new Uint8Array(width * height * 3), lines = horizontal ? height : width;
  const step = horizontal ? 3 : picture.width * 3, made = horizontal ? 3 : width * 3;
  const lineFrom = horizontal ? picture.width * 3 : 3, lineTo = horizontal ? width * 3 : 3;
  for (let place = 0; place < length; place++) {
    const { first, weights } = weightsAt(place, before, length, filter, span);
    for (let line = 0; line < lines; line++) {
      for (let channel = 0; channel < 3; channel++) {
        let from = line * lineFrom + first * step + channel, sum = 2 ** (PRECISION - 1);
        for (let each = 0; each < weights.length; each++, from += step) sum += weights[each] * picture.data[from];
        data[line * lineTo + place * made + channel] = Math.min(255, Math.max(0, Math.floor(sum / 2 ** PRECISION)));
      }
    }
  }
  return { width, height, data };
}

function weightsAt(place, before, length, filter, span) {
  const scale = span / length, stretch = Math.max(scale, 1), support = filter.support * stretch;
  const middle = (place + 0.5) * scale;
  const first = Math.max(0, Math.trunc(middle - support + 0.5));
  const last = Math.min(before, Math.trunc(middle + support + 0.5));
  const weights = new Float64Array(last - first), inverse = 1 / stretch;
  let sum = 0;
  for (let x = 0; x < weights.length; x++) sum += weights[x] = filter.weight((x + first - middle + 0.5) * inverse);
  for (let x = 0; x < weights.length; x++) {
    const share = (sum ? weights[x] / sum : weights[x]) * 2 ** PRECISION;
    weights[x] = Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
  }
  return { first, weights };
}

/** Means of whole blocks of pixels, then bilinear: Pillow's resize with a reducing gap of 1 (src/libImaging/Reduce.c). */
function reduced(picture, width, height) {
  const across = Math.max(1, Math.trunc(picture.width / width)), down = Math.max(1, Math.trunc(picture.height / height));
  const spans = [picture.width / across, picture.height / down].map(Math.fround); // as Pillow passes them on
  return filtered(blockMeans(picture, across, down), width, height, FILTERS.bilinear, spans);
}

function blockMeans(picture, across, down) {
  if (across === 1 && down === 1) return picture;
  const width = Math.ceil(picture.width / across), height = Math.ceil(picture.height / down);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const top = y * down, bottom = Math.min(picture.height, top + down);
    for (let x = 0; x < width; x++) {
      const left = x * across, right = Math.min(picture.width, left + across), count = (right - left) * (bottom - top);
      const share = Math.trunc(Math.fround(2 ** 32 / (256 * count)));
      for (let channel = 0; channel < 3; channel++) {
        let sum = count >> 1;
        for (let row = top; row < bottom; row++) {
          for (let column = left; column < right; column++) sum += picture.data[(row * picture.width + column) * 3 + channel];
        }
        data[to++] = Math.floor((sum * share) / 2 ** 24);
      }
    }
  }
  return { width, height, data };
}

function nearest(picture, width, height) {
  const places = (length, before) => {
    const found = new Int32Array(length), scale = before / length;
    for (let place = 0, at = scale * 0.5; place < length; place++, at += scale) found[place] = Math.min(before - 1, Math.floor(at));
    return found;
  };
  const columns = places(width, picture.width), rows = places(height, picture.height), data = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (rows[y] * picture.width + columns[x]) * 3;
      for (let channel = 0; channel < 3; channel++) data[to++] = picture.data[from + channel];
    }
  }
  return { width, height, data };
}

/** Linear between the four pixels around each point, as tf.image.resize; in float32, rounded at the end. */
function interpolated(picture, width, height) {
  const f = Math.fround;
  const points = (length, before) => Array.from({ length }, (_, place) => {
    const at = f(f(f(place + 0.5) * f(before / length)) - 0.5), first = Math.floor(at);
    const within = each => Math.min(before - 1, Math.max(0, each));
    return [within(first), within(first + 1), f(at - first)];
  });
  const columns = points(width, picture.width), rows = points(height, picture.height);
  const data = new Uint8Array(width * height * 3), { data: from, width: wide } = picture;
  const between = (low, high, share) => f(low + f(share * f(high - low)));
  for (let y = 0, to = 0; y < height; y++) {
    const [above, below, down] = rows[y];
    for (let x = 0; x < width; x++) {
      const [left, right, along] = columns[x];
      for (let channel = 0; channel < 3; channel++) {
        const at = (row, column) => from[(row * wide + column) * 3 + channel];
        const first = between(at(above, left), at(below, left), down), second = between(at(above, right), at(below, right), down);
        data[to++] = rounded(between(first, second, along));
      }
    }
  }
  return { width, height, data };
}

function inColourOrder(rgb, order) {
  if (order === "BGR") return rgb.map((_, place) => rgb[place - (place % 3) + 2 - (place % 3)]);
  if (order !== "GREY") return rgb;
  return Uint8Array.from({ length: rgb.length / 3 }, (_, place) =>
    (rgb[3 * place] * 19595 + rgb[3 * place + 1] * 38470 + rgb[3 * place + 2] * 7471 + 0x8000) >> 16);
}

/** Each channel times one gain, so that its bright background is 240; see `constant_colours`. */
function constantColours(pixels, [width, height]) {
  const step = Math.max(1, Math.floor(Math.min(width, height) / COUNTED_PX)), made = new Uint8Array(pixels.length);
  for (let channel = 0; channel < 3; channel++) {
    const counts = new Array(256).fill(0);
    for (let y = 0; y < height; y += step) for (let x = 0; x < width; x += step) counts[pixels[(y * width + x) * 3 + channel]]++;
    const level = brightLevel(counts), gain = level ? Math.min(Math.max(BACKGROUND / level, LEAST_GAIN), MOST_GAIN) : 1;
    for (let place = channel; place < pixels.length; place += 3) made[place] = Math.min(255, rounded(pixels[place] * gain));
  }
  return made;
}

function brightLevel(counts) {
  let sum = 0, total = 0;
  for (let value = BLACK + 1; value < 256; value++) total += counts[value];
  if (!total) return 0;
  for (let value = 0; value < 256; value++) {
    if (value > BLACK) sum += counts[value];
    if (sum >= BRIGHT_SHARE * total) return value;
  }
  return 255;
}
