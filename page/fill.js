// The worker: fills the hole of a part of a picture as pconv_edu.inpainting does. Geometry first, then the network.
// Pictures here are planes of floats in [0,1], 3 · width · height; masks have 1 = valid, 0 = hole.
"use strict";
let session, ort, reach;

// At w × h pixels, each the mean of the valid pixels that it covers, and a hole where it covers none: torch's mode="area".
// `valid(i)` and `value(c, i)` read the large picture.
function shrink(valid, value, width, height, w, h) {
  const image = new Float32Array(3 * w * h), mask = new Float32Array(w * h);
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
    const bottom = Math.ceil((y + 1) * height / h), right = Math.ceil((x + 1) * width / w), sum = [0, 0, 0];
    let count = 0;
    for (let i = Math.floor(y * height / h); i < bottom; i++) for (let j = Math.floor(x * width / w); j < right; j++) {
      const at = i * width + j;
      if (!valid(at)) continue;
      count++;
      for (let c = 0; c < 3; c++) sum[c] += value(c, at);
    }
    if (!count) continue;
    mask[y * w + x] = 1;
    for (let c = 0; c < 3; c++) image[(c * h + y) * w + x] = sum[c] / count;
  }
  return {image, mask, w, h};
}

// Planes of w × h, enlarged: (c, y, x) → value, as torch's mode="bilinear".
function enlarge(planes, w, h, width, height) {
  const neighbours = (small, large) => Array.from({length: large}, (_, i) => {
    const at = Math.max(0, (i + .5) * small / large - .5), low = Math.floor(at);
    return [low, Math.min(low + 1, small - 1), at - low];
  });
  const rows = neighbours(h, height), columns = neighbours(w, width);
  return (c, y, x) => {
    const [top, bottom, v] = rows[y], [left, right, u] = columns[x], get = (i, j) => planes[(c * h + i) * w + j];
    return (1 - v) * ((1 - u) * get(top, left) + u * get(top, right)) + v * ((1 - u) * get(bottom, left) + u * get(bottom, right));
  };
}

// Each pixel and its neighbours up to `radius` away, put together by `combine(values)`: along the rows, then along the columns.
function slide(plane, w, h, radius, combine) {
  const along = (from, count, step, i, length) => {
    const near = [];
    for (let k = Math.max(0, i - radius); k <= Math.min(length - 1, i + radius); k++) near.push(from[count + k * step]);
    return combine(near);
  };
  const rows = plane.map((_, at) => along(plane, at - at % w, 1, at % w, w));
  return rows.map((_, at) => along(rows, at % w, w, Math.floor(at / w), h));
}

// How far to believe a fill: 1 near valid pixels, 0 where the network, which reaches `reach` pixels, sees none. inpaint.trust.
function trust({mask, w, h}) {
  const cell = Math.floor(reach / 16), columns = Math.ceil(w / cell), rows = Math.ceil(h / cell), cells = new Float32Array(rows * columns);
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) if (mask[y * w + x]) cells[Math.floor(y / cell) * columns + Math.floor(x / cell)] = 1;
  const grown = slide(cells, columns, rows, 12, near => near.includes(1) ? 1 : 0);
  const soft = slide(grown, columns, rows, 2, near => near.reduce((sum, value) => sum + value) / near.length);
  const at = enlarge(soft, columns, rows, columns * cell, rows * cell);
  return (y, x) => at(0, y, x);
}

async function run({image, mask, w, h}) {
  const tensor = (values, channels) => new ort.Tensor("float32", values, [1, channels, h, w]);
  return (await session.run({image: tensor(image, 3), mask: tensor(mask, 1)})).output.data;
}

// The network's output; deep inside a hole, where it sees nothing, the enlarged fill of the picture at half its size.
async function fillPicture(picture) {
  const {image, mask, w, h} = picture, output = await run(picture), sure = trust(picture), belief = new Float32Array(w * h);
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) belief[y * w + x] = sure(y, x);
  if (belief.every(value => value === 1)) return output;
  const half = shrink(at => mask[at], (c, at) => image[c * w * h + at], w, h, Math.ceil(w / 2), Math.ceil(h / 2));
  const filled = await fillPicture(half), area = half.w * half.h;
  const coarse = enlarge(filled.map((value, i) => half.mask[i % area] ? half.image[i] : value), half.w, half.h, w, h);
  for (let c = 0; c < 3; c++) for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
    const at = y * w + x;
    if (belief[at] < 1) output[c * w * h + at] = belief[at] * output[c * w * h + at] + (1 - belief[at]) * coarse(c, y, x);
  }
  return output;
}

// `pixels` are the RGBA bytes of a part, `hole` has 1 where one is to be filled; no other byte changes.
async function fill({pixels, hole, width, height, size}) {
  const shrinking = Math.min(1, size / Math.max(width, height));
  const [w, h] = [width, height].map(side => Math.max(1, Math.round(side * shrinking)));
  const picture = shrink(at => !hole[at], (c, at) => pixels[4 * at + c] / 255, width, height, w, h);
  const output = enlarge(await fillPicture(picture), w, h, width, height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const at = y * width + x;
    if (hole[at]) for (let c = 0; c < 3; c++) pixels[4 * at + c] = Math.round(255 * Math.min(1, Math.max(0, output(c, y, x))));
  }
  return {pixels, seenWidth: w, seenHeight: h};
}

async function start({runtime, wasm, model, reach: pixels}) {
  reach = pixels;
  ort = await import(URL.createObjectURL(new Blob([runtime], {type: "text/javascript"})));
  ort.env.wasm.wasmBinary = wasm;  // nothing is fetched
  ort.env.wasm.numThreads = 1;     // more would need headers that a plain file server does not send
  session = await ort.InferenceSession.create(new Uint8Array(model), {executionProviders: ["wasm"]});
}

self.onmessage = async ({data}) => {
  try { self.postMessage({id: data.id, ...await (data.model ? start(data) : fill(data))}); }
  catch (error) { self.postMessage({id: data.id, error: String(error?.message ?? error)}); }
};
