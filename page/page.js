// The page: a photo, paint on it, and the filled picture. The network runs in the worker (fill.js).
"use strict";
const $ = id => document.getElementById(id);
const [photo, paint, filled] = ["photo", "paint", "filled"].map($);
const [onPhoto, onPaint, onFilled] = [photo, paint, filled].map(canvas => canvas.getContext("2d", {willReadFrequently: true}));
const MOST_PIXELS = 5e7;  // three canvases of 4 bytes a pixel each are kept

// Parts: make_page.py packs files as scripts, part("name", "gzip in base64"), because a page opened as a file may load scripts and nothing else.
const parts = {};
function part(name, text) { parts[name] = text; }

async function load(name) {
  await new Promise((done, fail) => {
    const script = Object.assign(document.createElement("script"), {src: `parts/${name}.js`, onload: done});
    script.onerror = () => fail(new Error(`parts/${name}.js cannot be read; the page was not copied whole`));
    document.head.append(script);
  });
  const packed = Uint8Array.from(atob(parts[name]), letter => letter.charCodeAt(0));
  delete parts[name];
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

function say(text, error = false) {
  $("status").textContent = text;
  $("status").classList.toggle("error", error);
}

// The worker answers each message once, by its id.
let worker, messages = 0;
const answers = new Map();
function ask(message, transfer = []) {
  const id = ++messages;
  worker.postMessage({id, ...message}, transfer);
  return new Promise((done, fail) => answers.set(id, {done, fail}));
}

async function startWorker(reach) {
  if (typeof WebAssembly === "undefined") throw new Error("WebAssembly is switched off or unknown in this browser");
  if (typeof DecompressionStream === "undefined") throw new Error("this browser is too old (it must know DecompressionStream: browsers since 2023 do)");
  const [code, runtime, wasm, model] = await Promise.all(["worker", "runtime", "wasm", "model"].map(load));
  worker = new Worker(URL.createObjectURL(new Blob([code], {type: "text/javascript"})));
  worker.onmessage = ({data}) => {
    const {done, fail} = answers.get(data.id);
    answers.delete(data.id);
    data.error ? fail(new Error(data.error)) : done(data);
  };
  await ask({runtime, wasm, model, reach}, [wasm, model]);
}

// Strokes: all are kept, so that undo can paint the others again.
let strokes = [], current = null;

function segment(stroke, from, to) {
  onPaint.globalCompositeOperation = stroke.erases ? "destination-out" : "source-over";
  Object.assign(onPaint, {lineCap: "round", lineWidth: stroke.width, strokeStyle: "#e69f00"});
  onPaint.beginPath();
  onPaint.moveTo(...from);
  onPaint.lineTo(to[0] + .01, to[1]);  // a line of no length is not drawn
  onPaint.stroke();
}

function paintAgain() {
  onPaint.clearRect(0, 0, paint.width, paint.height);
  for (const stroke of strokes.slice(strokes.findLastIndex(s => s.clears) + 1))
    stroke.points.forEach((point, i) => segment(stroke, stroke.points[Math.max(0, i - 1)], point));
}

function begin(point) {
  current = {erases: $("eraser").getAttribute("aria-pressed") === "true", width: brushWidth(), points: [point]};
  segment(current, point, point);
}

function extend(point) {
  segment(current, current.points.at(-1), point);
  current.points.push(point);
}

function end() {
  if (!current) return;
  strokes.push(current);
  current = null;
  fill();
}

function undo() { strokes.pop(); paintAgain(); fill(); }
function clear() { if (strokes.length) strokes.push({clears: true}); paintAgain(); fill(); }

const brushWidth = () => Math.max(1, $("width").value / 100 * Math.max(paint.width, paint.height));

// Filling: one at a time; what was painted meanwhile is filled next.
let filling = false, again = false, ready = false;

// Which pixels are painted, and the box around them (null without any).
function findHole() {
  const {width, height} = paint, bytes = onPaint.getImageData(0, 0, width, height).data, hole = new Uint8Array(width * height);
  let count = 0, left = width, right = -1, top = height, bottom = -1;
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    if (bytes[4 * (y * width + x) + 3] < 128) continue;
    hole[y * width + x] = 1; count++;
    left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = y;
  }
  return {hole, share: count / (width * height), box: count ? {left, top, right: right + 1, bottom: bottom + 1} : null};
}

// The hole with its surroundings: twice as wide and high, at least `size`, inside the picture.
function surroundings({left, top, right, bottom}, size) {
  const along = (low, high, length) => {
    const side = Math.min(length, Math.max(size, 2 * (high - low)));
    return [Math.min(length - side, Math.max(0, Math.round((low + high - side) / 2))), side];
  };
  const [x, width] = along(left, right, paint.width), [y, height] = along(top, bottom, paint.height);
  return {x, y, width, height};
}

function cut(hole, {x, y, width, height}) {
  const small = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) small.set(hole.subarray((y + row) * paint.width + x, (y + row) * paint.width + x + width), row * width);
  return small;
}

async function fill() {
  $("undo").disabled = $("clear").disabled = !strokes.length;
  if (!ready) return;
  again = filling;
  if (filling) return;
  filling = true;
  try { await fillOnce(); }
  catch (error) { say(`The picture could not be filled: ${error.message}`, true); }
  filling = false;
  if (again) fill();
}

async function fillOnce() {
  const {hole, share, box} = findHole(), size = Number($("detail").value), edition = opened;
  if (!box || share === 1) {
    onFilled.drawImage(photo, 0, 0);
    return say(box ? "Everything is painted over. Leave something to fill it from." : "Paint over what should go.", Boolean(box));
  }
  say("Filling…");
  const from = performance.now(), where = surroundings(box, size), {x, y, width, height} = where;
  const pixels = onPhoto.getImageData(x, y, width, height).data, small = cut(hole, where);
  const found = await ask({pixels, hole: small, width, height, size}, [pixels.buffer, small.buffer]);
  if (edition !== opened) return;  // another photo was opened meanwhile
  onFilled.drawImage(photo, 0, 0);
  onFilled.putImageData(new ImageData(found.pixels, width, height), x, y);
  const shrunk = found.seenWidth < width ? `; the network saw ${width} × ${height} pixels as ${found.seenWidth} × ${found.seenHeight}, so the fill is less sharp than the photo` : "";
  const much = share > .65 ? " More than 65 % is painted over: there is little to go by." : "";
  say(`Filled ${(100 * share).toFixed(1)} % of the picture in ${((performance.now() - from) / 1000).toFixed(1)} s${shrunk}.${much}`);
}

// Photos: opened, dropped, or a sample.
let opened = 0, name = "picture";

// Whether a canvas of this size works here; one that is too large stays blank.
function canHold(width, height) {
  if (width * height > MOST_PIXELS) return false;
  Object.assign(photo, {width, height});
  onPhoto.fillRect(width - 1, height - 1, 1, 1);
  try { return onPhoto.getImageData(width - 1, height - 1, 1, 1).data[3] === 255; } catch { return false; }
}

async function show(url, title) {
  const image = new Image();
  image.src = url;
  try { await image.decode(); } catch { return say(`“${title}” is no picture that this browser can read. JPEG, PNG and WebP work; of a HEIC photo make a JPEG first.`, true); }
  let width = image.naturalWidth, height = image.naturalHeight;
  const whole = `${width} × ${height}`;
  while (!canHold(width, height)) { width = Math.max(1, Math.floor(width * .9)); height = Math.max(1, Math.floor(height * .9)); }
  opened++; name = title; strokes = []; current = null;
  for (const canvas of [paint, filled]) Object.assign(canvas, {width, height});
  onPhoto.fillStyle = "#fff";
  onPhoto.fillRect(0, 0, width, height);  // behind what is transparent
  onPhoto.drawImage(image, 0, 0, width, height);
  onFilled.drawImage(photo, 0, 0);
  await fill();
  if (whole !== `${width} × ${height}`) say(`The photo's ${whole} pixels are too many for this browser; it works with ${width} × ${height}, and saves that.`, true);
}

async function openFile(file) {
  if (!file) return;
  $("sample").value = "";
  const url = URL.createObjectURL(file);
  await show(url, file.name);
  URL.revokeObjectURL(url);
}

function save() {
  filled.toBlob(blob => {
    const link = Object.assign(document.createElement("a"), {href: URL.createObjectURL(blob), download: name.replace(/\.\w+$/, "") + "_filled.png"});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }, "image/png");
}

// Tools, pointer, keys.
function choose(tool) { for (const id of ["brush", "eraser"]) $(id).setAttribute("aria-pressed", id === tool); }
function resize(factor) { $("width").value *= factor; ring(); }

let cursor = [0, 0];
const at = event => {
  const box = paint.getBoundingClientRect();
  return cursor = [(event.clientX - box.left) * paint.width / box.width, (event.clientY - box.top) * paint.height / box.height];
};

function ring(shown = true) {
  const scale = paint.clientWidth / paint.width, side = `${brushWidth() * scale}px`;
  Object.assign($("ring").style, {display: shown ? "block" : "none", left: `${cursor[0] * scale}px`, top: `${cursor[1] * scale}px`, width: side, height: side});
}

paint.onpointerdown = event => {
  if (event.button) return;
  event.preventDefault();
  paint.focus();
  paint.setPointerCapture(event.pointerId);
  begin(at(event)); ring();
};
paint.onpointermove = event => {
  const moves = current && event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event];
  for (const move of moves) { const point = at(move); if (current) extend(point); }
  ring();
};
paint.onpointerup = paint.onpointercancel = end;
paint.onpointerleave = () => ring(document.activeElement === paint);
paint.onblur = () => ring(false);

paint.onkeydown = event => {
  const step = Math.max(1, brushWidth() / 3), move = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]}[event.key];
  if (move) cursor = [Math.min(paint.width, Math.max(0, cursor[0] + move[0])), Math.min(paint.height, Math.max(0, cursor[1] + move[1]))];
  else if (event.key === " ") { begin(cursor); end(); }
  else return;
  event.preventDefault();
  ring();
};

const keys = {b: () => choose("brush"), e: () => choose("eraser"), "[": () => resize(.8), "]": () => resize(1.25), u: undo, c: clear, o: () => $("file").click(), s: save};
document.onkeydown = event => {
  if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); return undo(); }
  if (!event.ctrlKey && !event.metaKey && !event.altKey && event.target.tagName !== "SELECT") keys[event.key.toLowerCase()]?.();
};

for (const [id, action] of Object.entries({undo, clear, save, open: keys.o, brush: keys.b, eraser: keys.e})) $(id).onclick = () => action();
$("file").onchange = event => { openFile(event.target.files[0]); event.target.value = ""; };
$("detail").onchange = fill;
document.ondragover = event => { event.preventDefault(); document.body.classList.add("dropping"); };
document.ondragleave = event => { if (!event.relatedTarget) document.body.classList.remove("dropping"); };
document.ondrop = event => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  openFile(event.dataTransfer.files[0]);
};

// What make_page.py knows of the weights.
function tell({weights, facts, card}) {
  const add = (tag, text) => $("about").append(Object.assign(document.createElement(tag), {textContent: text}));
  add("h2", `The network: ${facts?.name ?? weights}`);
  if (!facts) return add("p", "Nobody wrote down what these weights were trained on. Trust them with nothing.");
  add("p", `Trained on ${facts.data}. ${facts.training}. ${facts.time}. Licence: ${facts.licence}.`);
  add("p", "It must not be trusted with:");
  const list = $("about").appendChild(document.createElement("ul"));
  for (const limit of facts.limits) list.append(Object.assign(document.createElement("li"), {textContent: limit}));
  if (card) $("about").append(Object.assign(document.createElement("a"), {href: card, textContent: "The whole model card"}));
}

async function main() {
  const contents = JSON.parse(new TextDecoder().decode(await load("contents")));
  tell(contents);
  $("sample").append(new Option("–", ""), ...Object.keys(contents.samples).map(title => new Option(title, title)));
  $("sample").onchange = event => { if (event.target.value) show(contents.samples[event.target.value], event.target.value); };
  $("sample").value = Object.keys(contents.samples)[0];
  await show(contents.samples[$("sample").value], $("sample").value);
  await startWorker(contents.reach);
  ready = true;
  await fill();
}

main().catch(error => say(`The network cannot run here: ${error.message}.`, true));
