// The page: a photo, paint on it, and the filled picture. The network runs in the worker (fill.js).
"use strict";
const $ = id => document.getElementById(id);
const [photo, paint, filled] = ["photo", "paint", "filled"].map($);
const [onPhoto, onPaint, onFilled] = [photo, paint, filled].map(canvas => canvas.getContext("2d", {willReadFrequently: true}));
const MOST_PIXELS = 5e7;  // three canvases of 4 bytes a pixel each are kept
const PATIENCE = 30000;   // ms; a browser that kills a worker for its memory may say nothing

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
let worker, messages = 0, dead = null;
const answers = new Map();
function ask(message, transfer = []) {
  if (dead) return Promise.reject(dead);
  const id = ++messages;
  worker.postMessage({id, ...message}, transfer);
  return new Promise((done, fail) => answers.set(id, {done, fail}));
}

// What waits for a worker that has stopped would wait for ever.
function bury(why) {
  dead = new Error(`the network has stopped (${why || "no reason given"}); save what you need and reload the page`);
  worker.terminate();
  say(dead.message[0].toUpperCase() + dead.message.slice(1) + ".", true);
  for (const {fail} of answers.values()) fail(dead);
  answers.clear();
}

async function startWorker(reach) {
  if (typeof WebAssembly === "undefined") throw new Error("WebAssembly is switched off or unknown in this browser");
  if (typeof DecompressionStream === "undefined") throw new Error("this browser is too old (it must know DecompressionStream: browsers since 2023 do)");
  const [code, runtime, wasm, model] = await Promise.all(["worker", "runtime", "wasm", "model"].map(load));
  worker = new Worker(URL.createObjectURL(new Blob([code], {type: "text/javascript"})));
  worker.onerror = event => { event.preventDefault(); bury(event.message); };
  worker.onmessageerror = () => bury("its answer cannot be read");
  worker.onmessage = ({data}) => {
    const {done, fail} = answers.get(data.id);
    answers.delete(data.id);
    data.error ? fail(new Error(data.error)) : done(data);
  };
  await ask({runtime, wasm, model, reach}, [wasm, model]);
}

// Strokes: all are kept, so that undo can paint the others again. One pointer at a time makes one: `current`.
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
  const kept = strokes.slice(strokes.findLastIndex(s => s.clears) + 1);
  for (const stroke of current ? [...kept, current] : kept)
    stroke.points.forEach((point, i) => segment(stroke, stroke.points[Math.max(0, i - 1)], point));
}

function begin(point, pointer = null) {
  const erases = $("eraser").getAttribute("aria-pressed") === "true";
  current = {pointer, erases, width: brushWidth(), points: [point]};
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
    const nothing = strokes.length ? "No hole is left, so there is nothing to fill. " : "";
    const advice = box ? "Everything is painted over. Leave something to fill it from." : "Paint over what should go.";
    return say(nothing && !box ? nothing + advice : advice, Boolean(box));
  }
  say("Filling…");
  const late = setTimeout(() => say("Still filling… If this does not end, reload the page: memory may have run out."), PATIENCE);
  const from = performance.now(), where = surroundings(box, size), {x, y, width, height} = where;
  const pixels = onPhoto.getImageData(x, y, width, height).data, small = cut(hole, where);
  const found = await ask({pixels, hole: small, width, height, size}, [pixels.buffer, small.buffer])
    .finally(() => clearTimeout(late));
  if (edition !== opened) return;  // another photo was opened meanwhile
  onFilled.drawImage(photo, 0, 0);
  onFilled.putImageData(new ImageData(found.pixels, width, height), x, y);
  const shrunk = found.seenWidth < width ? `; the network saw ${width} × ${height} pixels as ${found.seenWidth} × ${found.seenHeight}, so the fill is less sharp than the photo` : "";
  const much = share > .65 ? " More than 65 % is painted over: there is little to go by." : "";
  say(`Filled ${(100 * share).toFixed(1)} % of the picture in ${((performance.now() - from) / 1000).toFixed(1)} s${shrunk}.${much}`);
}

// Photos: opened, dropped, or a sample.
let chosen = 0, opened = 0, name = "picture";

// Whether a canvas of this size works here; one that is too large stays blank.
function canHold(width, height) {
  if (width * height > MOST_PIXELS) return false;
  Object.assign(photo, {width, height});
  onPhoto.fillRect(width - 1, height - 1, 1, 1);
  try { return onPhoto.getImageData(width - 1, height - 1, 1, 1).data[3] === 255; } catch { return false; }
}

// The picture chosen last is shown, whichever is decoded last.
async function show(url, title, sample = "", drawn = []) {
  const choice = ++chosen, image = new Image();
  image.src = url;
  const readable = await image.decode().then(() => true, () => false);
  if (choice !== chosen) return;
  if (!readable) {
    const way = "JPEG, PNG and WebP work; of a HEIC photo make a JPEG first.";
    return say(`“${title}” is no picture that this browser can read. ${way}`, true);
  }
  let width = image.naturalWidth, height = image.naturalHeight;
  const whole = `${width} × ${height}`;
  while (!canHold(width, height)) { width = Math.max(1, Math.floor(width * .9)); height = Math.max(1, Math.floor(height * .9)); }
  opened++; name = title; current = null;
  $("sample").value = sample;
  for (const canvas of [paint, filled]) Object.assign(canvas, {width, height});
  onPhoto.fillStyle = "#fff";
  onPhoto.fillRect(0, 0, width, height);  // behind what is transparent
  onPhoto.drawImage(image, 0, 0, width, height);
  onFilled.drawImage(photo, 0, 0);
  strokes = drawn.map(({points, width: share}) => ({
    erases: false, width: share * Math.max(width, height), points: points.map(([u, v]) => [u * width, v * height]),
  }));
  paintAgain();
  await fill();
  if (choice === chosen && whole !== `${width} × ${height}`) say(`The photo's ${whole} pixels are too many for this browser; it works with ${width} × ${height}, and saves that.`, true);
}

async function openFile(file) {
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
  if (current || event.button) return;  // a second finger, or a palm beside the pen
  event.preventDefault();
  paint.focus();
  paint.setPointerCapture(event.pointerId);
  begin(at(event), event.pointerId); ring();
};
paint.onpointermove = event => {
  const draws = event.pointerId === current?.pointer;
  if (current && !draws) return;
  const moves = draws && event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event];
  for (const move of moves) { const point = at(move); if (draws) extend(point); }
  ring();
};
// The capture is lost without a `pointerup` where the system takes the pointer away.
paint.onpointerup = paint.onpointercancel = paint.onlostpointercapture = event => {
  if (event.pointerId === current?.pointer) end();
};
paint.onpointerleave = () => ring(document.activeElement === paint);
paint.onblur = () => ring(false);

paint.onkeydown = event => {
  const step = Math.max(1, brushWidth() / 3), move = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]}[event.key];
  if (move) cursor = [Math.min(paint.width, Math.max(0, cursor[0] + move[0])), Math.min(paint.height, Math.max(0, cursor[1] + move[1]))];
  else if (event.key === " ") { if (!current) { begin(cursor); end(); } }
  else return;
  event.preventDefault();
  ring();
};

const keys = {b: () => choose("brush"), e: () => choose("eraser"), "[": () => resize(.8), "]": () => resize(1.25), u: undo, c: clear, o: () => $("file").click(), s: save};
// What a key means: its letter; where it writes another alphabet, the Latin letter of its place.
function letterOf({key = "", code = ""}) {
  return (/^[ -~]$/.test(key) || !/^Key/.test(code) ? key : code.slice(3)).toLowerCase();
}
document.onkeydown = event => {
  const letter = letterOf(event), command = event.ctrlKey || event.metaKey;
  if (command && !event.shiftKey && !event.altKey && letter === "z") { event.preventDefault(); return undo(); }
  if (!command && !event.altKey && event.target.tagName !== "SELECT") keys[letter]?.();
};

for (const [id, action] of Object.entries({undo, clear, save, open: keys.o, brush: keys.b, eraser: keys.e})) $(id).onclick = () => action();
$("file").onchange = event => { if (event.target.files[0]) openFile(event.target.files[0]); event.target.value = ""; };
$("detail").onchange = fill;
document.ondragover = event => { event.preventDefault(); document.body.classList.add("dropping"); };
document.ondragleave = event => { if (!event.relatedTarget) document.body.classList.remove("dropping"); };
document.ondrop = event => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  take(event.dataTransfer, "What was dropped holds");
};
document.onpaste = event => { event.preventDefault(); take(event.clipboardData, "The clipboard holds"); };

// A picture among what was dropped or pasted.
function take({files}, holds) {
  const file = [...files].find(({type}) => type.startsWith("image/")) ?? files[0];
  if (file) openFile(file);
  else say(`${holds} no picture file. Save the picture first, then open that file.`, true);
}

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
  $("sample").onchange = ({target: {value}}) => { if (value) show(contents.samples[value], value, value); };
  // It opens with a stroke, whose points and width are shares of the photo's size; unless somebody was faster.
  const {sample, ...stroke} = contents.first ?? {};
  const title = sample ?? Object.keys(contents.samples)[0];
  if (!chosen) await show(contents.samples[title], title, title, sample ? [stroke] : []);
  await startWorker(contents.reach);
  ready = true;
  await fill();
}

main().catch(error => say(`The network cannot run here: ${error.message}.`, true));
