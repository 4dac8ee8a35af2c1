// The view of `DrawHole`: a brush over a photo, and the fill beside it.
// What was drawn is the model's list of `marks`, in pixels of the picture; every view paints the same list.
// Python answers each change of it. While Python is busy the front end keeps only the newest list, so only that is computed.
const LONGEST = 2048; // of the canvas; more than any screen shows, less than phones refuse
const CHUNK = 2_000_000; // characters; Jupyter closes a connection over messages of more than 10 MB
const PATIENCE = 8000; // ms

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function strokeOn(context, { points, width, hole }) {
  const [first, ...rest] = points;
  context.globalCompositeOperation = hole ? "source-over" : "destination-out";
  Object.assign(context, { lineWidth: width, lineCap: "round", lineJoin: "round", strokeStyle: "#E69F00" });
  context.beginPath();
  context.moveTo(...first);
  for (const point of rest.length ? rest : [[first[0] + 0.01, first[1]]]) context.lineTo(...point);
  context.stroke();
}

function paint(context, marks, sheets, [width, height]) {
  context.globalCompositeOperation = "source-over";
  context.clearRect(0, 0, width, height);
  for (const mark of marks) {
    if (mark.points) strokeOn(context, mark);
    else context.clearRect(0, 0, width, height);
    context.globalCompositeOperation = "source-over";
    if ("sheet" in mark && sheets[mark.sheet]?.complete) context.drawImage(sheets[mark.sheet], 0, 0, width, height);
  }
}

// Pictures of the masks that were loaded from files, decoded once each.
function sheetStore(model, ready) {
  const images = [];
  return () => model.get("sheets").map((url, i) => {
    if (images[i]?.src !== url) {
      images[i] = make("img", { src: url });
      images[i].decode().then(ready);
    }
    return images[i];
  });
}

// What a key means: its letter; where it writes another alphabet, the Latin letter of its place.
function letterOf({ key = "", code = "" }) {
  return (/^[ -~]$/.test(key) || !/^Key/.test(code) ? key : code.slice(3)).toLowerCase();
}

function download(name, url) { make("a", { href: url, download: name }).click(); }

// `id` tells the parts of one upload from those of another, which may have broken off. Of two files of a kind the one
// chosen last counts, whichever is read last: `newest` holds its id.
function upload(model, kind, file, say, newest) {
  const reader = new FileReader(), id = newest[kind] = `${Date.now()} ${Math.random()}`;
  reader.onerror = () => say(`${file.name} could not be read (${reader.error?.message ?? "no reason given"}). Choose it again.`);
  reader.onload = () => {
    if (newest[kind] !== id) return;
    const url = reader.result;
    for (let i = 0; i < url.length; i += CHUNK) {
      model.send({ load: kind, name: file.name, id, first: !i, part: url.slice(i, i + CHUNK), last: i + CHUNK >= url.length });
    }
  };
  reader.readAsDataURL(file);
}

function buildPage() {
  const button = (name, text, title) => make("button", { type: "button", name, title, "aria-label": title }, text);
  const picker = (name, text, title) => {
    const input = make("input", { type: "file", accept: "image/*", name, "aria-label": title });
    return [input, make("label", { class: "pick", title }, text, input)];
  };
  const p = {
    brush: button("brush", "Brush", "Brush: paint the hole"), eraser: button("eraser", "Eraser", "Eraser: remove parts of the hole"),
    width: make("input", { type: "range", name: "width", min: 0, max: 100, "aria-label": "Width of the brush; keys [ and ]" }),
    widthText: make("output", {}),
    undo: button("undo", "Undo", "Undo the last stroke (Ctrl+Z)"), clear: button("clear", "Clear", "Clear: no hole at all"),
    saveMask: button("save-mask", "Save mask", "Save mask as PNG, white is the hole"), saveFilled: button("save-filled", "Save picture", "Save picture, filled, as PNG"),
    layers: button("layers", "Layers", "Layers: show the mask's path through the network"),
    canvas: make("canvas", { role: "img" }), photo: make("img", { alt: "", draggable: "false" }), ring: make("div", { class: "ring", hidden: "" }),
    filled: make("img", { class: "filled", alt: "The picture, its hole filled" }), status: make("span", { class: "status", role: "status" }),
    note: make("div", { class: "note", role: "alert", hidden: "" }), film: make("img", { class: "film", hidden: "" }),
  };
  const [photoInput, photoLabel] = picker("load-photo", "Load photo", "Load photo: fill one of your own");
  const [maskInput, maskLabel] = picker("load-mask", "Load mask", "Load mask: a picture, white is the hole");
  const bar = make("div", { class: "bar", role: "toolbar", "aria-label": "Draw a hole" }, p.brush, p.eraser, make("label", {}, "width ", p.width, p.widthText),
    p.undo, p.clear, photoLabel, maskLabel, p.saveMask, p.saveFilled, p.layers);
  const draw = make("figure", {}, make("figcaption", {}, "draw the hole here"), make("div", { class: "stack" }, p.photo, p.canvas, p.ring));
  const fill = make("figure", {}, make("figcaption", {}, "filled ", p.status), p.filled);
  const root = make("div", { class: "pconv-draw", role: "group", tabindex: 0, "data-lm-suppress-shortcuts": "true", "aria-label": "Draw a hole in a photo: arrow keys move the brush, Space paints, Shift and arrow keys draw" },
    bar, p.note, make("div", { class: "panels" }, draw, fill), make("div", { class: "strip" }, p.film));
  return { ...p, root, photoInput, maskInput, figures: [draw, fill] };
}

function render({ model, el }) {
  const page = buildPage();
  el.append(page.root);
  const context = page.canvas.getContext("2d");
  const sheets = sheetStore(model, () => repaint());
  let stroke = null, erasing = false, patience = null, cursor = null;
  const newest = {};

  const say = (text) => { page.note.textContent = text; page.note.hidden = !text; };
  const scale = () => page.canvas.getBoundingClientRect().width / model.get("size")[0]; // CSS pixels for each pixel of the picture
  const at = (event) => {
    const box = page.canvas.getBoundingClientRect(), [width, height] = model.get("size");
    return [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * height) / box.height].map((v) => Math.round(v * 10) / 10);
  };
  const repaint = () => { paint(context, model.get("marks"), sheets(), model.get("size")); if (stroke) strokeOn(context, stroke.mark); };

  function resize() {
    const [width, height] = model.get("size"), share = Math.min(1, LONGEST / Math.max(width, height));
    Object.assign(page.canvas, { width: Math.round(width * share), height: Math.round(height * share) });
    context.setTransform(page.canvas.width / width, 0, 0, page.canvas.height / height, 0, 0);
    for (const figure of page.figures) figure.style.maxWidth = `${Math.max(width, 320)}px`;
    repaint();
  }

  function change(marks) { // the one way by which this page changes what is drawn
    model.set("marks", marks);
    model.set("asked", model.get("asked") + 1);
    model.save_changes();
    wait();
  }
  const undo = () => { if (model.get("marks").length) change(model.get("marks").slice(0, -1)); };
  const clear = () => { if (model.get("marks").length) change([...model.get("marks"), { clear: true }]); };

  function wait() {
    const waiting = model.get("asked") !== model.get("answered");
    page.status.textContent = waiting ? "· working …" : "";
    page.root.setAttribute("aria-busy", waiting);
    clearTimeout(patience);
    if (waiting) patience = setTimeout(() => { page.status.textContent = "· still waiting: is the kernel busy, or gone?"; }, PATIENCE);
  }

  // The slider has a bend: half of its way is for brushes up to a quarter of the widest one.
  const widest = () => Math.max(...model.get("size")) / 2;
  const brush = () => Math.max(1, Math.round(model.get("brush")));
  function setBrush(width) {
    model.set("brush", Math.round(Math.min(Math.max(width, 1), widest())));
    model.save_changes();
  }
  function showBrush() {
    page.width.value = 100 * Math.sqrt(brush() / widest());
    page.widthText.textContent = ` ${brush()} px`;
    page.width.setAttribute("aria-valuetext", `${brush()} pixels`);
    page.ring.style.width = page.ring.style.height = `${brush() * scale()}px`;
  }
  function setTool(eraser) {
    erasing = eraser;
    page.brush.setAttribute("aria-pressed", !eraser);
    page.eraser.setAttribute("aria-pressed", eraser);
  }

  function moveRing([x, y]) {
    page.ring.hidden = false;
    Object.assign(page.ring.style, { left: `${x * scale()}px`, top: `${y * scale()}px` });
    showBrush();
  }
  function nudge(dx, dy, painting) { // the brush by keys alone
    const [width, height] = model.get("size"), step = Math.max(1, brush() / 2), from = cursor ?? [width / 2, height / 2];
    cursor = [Math.min(Math.max(from[0] + dx * step, 0), width), Math.min(Math.max(from[1] + dy * step, 0), height)];
    moveRing(cursor);
    if (painting) change([...model.get("marks"), { points: dx || dy ? [from, cursor] : [cursor], width: brush(), hole: !erasing }]);
  }
  function start(event) {
    if (stroke || event.button > 0 && event.button !== 5) return; // 5: the far end of a pen erases
    event.preventDefault();
    page.root.focus({ preventScroll: true });
    page.canvas.setPointerCapture(event.pointerId);
    stroke = { pointer: event.pointerId, mark: { points: [at(event)], width: brush(), hole: !erasing && event.button !== 5 } };
    strokeOn(context, stroke.mark);
  }
  function move(event) {
    cursor = at(event);
    moveRing(cursor);
    if (event.pointerId !== stroke?.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const [x, y] of (events.length ? events : [event]).map(at)) {
      const points = stroke.mark.points, [lastX, lastY] = points.at(-1);
      if (Math.hypot(x - lastX, y - lastY) < 1) continue;
      points.push([x, y]);
      strokeOn(context, { ...stroke.mark, points: points.slice(-2) });
    }
  }
  function end(event) {
    if (event.pointerId !== stroke?.pointer) return;
    const { mark } = stroke;
    stroke = null;
    change([...model.get("marks"), mark]);
  }
  function key(event) {
    const command = event.ctrlKey || event.metaKey, name = (command ? "Ctrl+" : "") + letterOf(event);
    if (!command) event.stopPropagation(); // JupyterLab would take arrows from the slider, and x to cut the cell
    const keys = { "Ctrl+z": undo, "[": () => setBrush(Math.min(brush() - 1, brush() / 1.25)), "]": () => setBrush(Math.max(brush() + 1, brush() * 1.25)) };
    if (event.target === page.root) { // on a button or the slider these keys mean something else
      for (const [arrow, dx, dy] of [["arrowleft", -1, 0], ["arrowright", 1, 0], ["arrowup", 0, -1], ["arrowdown", 0, 1]]) keys[arrow] = () => nudge(dx, dy, event.shiftKey);
      keys[" "] = () => nudge(0, 0, true);
    }
    if (!keys[name]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[name]();
  }

  function answer() {
    page.filled.src = model.get("shown");
    page.film.hidden = !model.get("film");
    if (model.get("film")) Object.assign(page.film, { src: model.get("film"), alt: model.get("film_text") });
    say(model.get("note"));
    wait();
  }
  function showPhoto() {
    page.photo.src = model.get("photo");
    page.canvas.setAttribute("aria-label", `Photo of ${model.get("size").join(" × ")} pixels to draw a hole in`);
  }
  const showLayers = () => page.layers.setAttribute("aria-pressed", model.get("show_layers"));

  page.canvas.addEventListener("pointerdown", start);
  page.canvas.addEventListener("pointermove", move);
  // The capture is lost without a `pointerup` where the system takes the pointer away.
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) page.canvas.addEventListener(kind, end);
  page.canvas.addEventListener("pointerleave", () => { page.ring.hidden = true; });
  page.root.addEventListener("keydown", key);
  page.brush.onclick = () => setTool(false);
  page.eraser.onclick = () => setTool(true);
  page.undo.onclick = undo;
  page.clear.onclick = clear;
  page.width.oninput = () => {
    const wanted = Math.round((page.width.value / 100) ** 2 * widest()), way = Math.sign(page.width.value - 100 * Math.sqrt(brush() / widest()));
    setBrush(wanted === brush() ? wanted + way : wanted); // each step of the slider changes the brush
  };
  page.layers.onclick = () => { model.set("show_layers", !model.get("show_layers")); change(model.get("marks")); };
  page.saveMask.onclick = () => model.send({ save: "mask" });
  page.saveFilled.onclick = () => model.send({ save: "filled" });
  for (const [input, kind] of [[page.photoInput, "photo"], [page.maskInput, "mask"]]) {
    input.onchange = () => { if (input.files.length) upload(model, kind, input.files[0], say, newest); input.value = ""; };
  }

  const listeners = { "change:marks": repaint, "change:sheets": repaint, "change:size": resize, "change:photo": showPhoto, "change:brush": showBrush, "change:shown": answer, "change:film": answer,
    "change:note": answer, "change:asked": wait, "change:answered": answer, "change:show_layers": showLayers, "msg:custom": (message) => message.save && download(message.save, message.url) };
  for (const [name, listener] of Object.entries(listeners)) model.on(name, listener);
  for (const first of [resize, showPhoto, answer, showLayers, () => setTool(false)]) first();
  const watch = new ResizeObserver(showBrush);
  watch.observe(page.canvas);

  return () => {
    watch.disconnect();
    clearTimeout(patience);
    for (const [name, listener] of Object.entries(listeners)) model.off(name, listener);
  };
}

export default { render };
