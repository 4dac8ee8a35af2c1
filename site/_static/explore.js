// Things to touch: a mask on its way through the layers, one window of a partial convolution, the loss under moving
// weights, and the page that fills holes. The sums are those of pconv_edu.mask_update, pconv_edu.partial_conv and
// pconv_edu.losses; tests compare them.
(() => {
  "use strict";

  // --- sums ---------------------------------------------------------------------------------------------------------

  // Equation 2 of the paper: valid (1) where the window sees at least one valid pixel; outside the picture is hole.
  function updateMask(mask, height, width, kernel, stride) {
    const pad = Math.floor(kernel / 2);
    const high = Math.floor((height + 2 * pad - kernel) / stride) + 1;
    const wide = Math.floor((width + 2 * pad - kernel) / stride) + 1;
    const next = new Uint8Array(high * wide);
    for (let i = 0; i < high; i++) {
      for (let j = 0; j < wide; j++) {
        const top = Math.max(0, i * stride - pad), bottom = Math.min(height, i * stride - pad + kernel);
        const left = Math.max(0, j * stride - pad), right = Math.min(width, j * stride - pad + kernel);
        let seen = 0;
        for (let y = top; y < bottom && !seen; y++) {
          for (let x = left; x < right && !seen; x++) seen = mask[y * width + x];
        }
        next[i * wide + j] = seen;
      }
    }
    return { mask: next, height: high, width: wide };
  }

  // Equation 1, for one window: values, mask and weights of equal length.
  function oneWindow(values, mask, weights, bias = 0) {
    const known = mask.reduce((sum, m) => sum + m, 0);
    const raw = values.reduce((sum, value, i) => sum + value * mask[i] * weights[i], 0);
    const ratio = known ? values.length / known : 0;
    return {
      known,
      ratio,
      plain: raw + bias,
      partial: known ? raw * ratio + bias : 0,
      valid: known ? 1 : 0,
    };
  }

  // The paper's section 3.3. Pictures: 3 · height · width numbers in [0, 1], plane by plane; mask: height · width of 0 and 1.
  const mixed = (from, to, much) => from.map((value, i) => value + much * (to[i] - value));

  // 1 in the hole, and one pixel around it in all eight directions
  function holeRing(mask, height, width) {
    return Uint8Array.from(mask, (_, at) => {
      const row = Math.floor(at / width), column = at % width;
      for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y++) {
        for (let x = Math.max(0, column - 1); x <= Math.min(width - 1, column + 1); x++) {
          if (!mask[y * width + x]) return 1;
        }
      }
      return 0;
    });
  }

  // The three terms that read pixels: each is a sum over the pixels in question, divided by 3 · height · width.
  function pixelTerms(output, image, mask, height, width) {
    const area = height * width, ring = holeRing(mask, height, width);
    let valid = 0, hole = 0, tv = 0;
    for (let plane = 0; plane < 3; plane++) {
      const composite = (at) => (mask[at] ? image : output)[plane * area + at];
      for (let at = 0; at < area; at++) {
        const error = Math.abs(output[plane * area + at] - image[plane * area + at]);
        if (mask[at]) valid += error;
        else hole += error;
        if (!ring[at]) continue;
        if ((at + 1) % width && ring[at + 1]) tv += Math.abs(composite(at + 1) - composite(at));
        if (at + width < area && ring[at + width]) tv += Math.abs(composite(at + width) - composite(at));
      }
    }
    return { valid: valid / (3 * area), hole: hole / (3 * area), tv: tv / (3 * area) };
  }

  // Weight times term, and their sum.
  function totalLoss(terms, weights) {
    const parts = Object.fromEntries(Object.entries(terms).map(([name, term]) => [name, weights[name] * term]));
    return { parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
  }

  globalThis.pconvExplore = { updateMask, oneWindow, mixed, holeRing, pixelTerms, totalLoss };
  if (typeof document === "undefined") return;

  // --- small helpers ------------------------------------------------------------------------------------------------

  const COLORS = { valid: "#56B4E9", hole: "#E69F00" };

  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  const share = (mask) => 1 - mask.reduce((sum, m) => sum + m, 0) / mask.length;

  function paint(canvas, { mask, height, width }) {
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    context.fillStyle = COLORS.valid;
    context.fillRect(0, 0, width, height);
    context.fillStyle = COLORS.hole;
    for (let i = 0; i < mask.length; i++) if (!mask[i]) context.fillRect(i % width, Math.floor(i / width), 1, 1);
  }

  // --- 1: a mask on its way through the layers ----------------------------------------------------------------------

  function maskExplorer(box) {
    const side = 128;
    const paper = [[7, 2], [5, 2], [5, 2], [3, 2], [3, 2], [3, 2], [3, 2], [3, 2]];
    let layers = paper.map((layer) => [...layer]);
    const mask = new Uint8Array(side * side).fill(1);
    const canvas = make("canvas", {
      class: "explore-paint", tabindex: 0, role: "img",
      "aria-label": "The mask. Paint a hole with mouse, pen or finger; arrow keys move a brush, the space bar paints.",
    });
    const brush = make("input", { type: "range", min: 1, max: 24, value: 9, "aria-label": "width of the brush in pixels" });
    const strip = make("div", { class: "explore-strip" });
    const table = make("div", { class: "explore-layers" });
    const said = make("p", { class: "player-note", "aria-live": "polite" });

    function dab(x, y, radius = Number(brush.value) / 2) {
      for (let i = Math.max(0, Math.floor(y - radius)); i <= Math.min(side - 1, y + radius); i++) {
        for (let j = Math.max(0, Math.floor(x - radius)); j <= Math.min(side - 1, x + radius); j++) {
          if ((i - y) ** 2 + (j - x) ** 2 <= radius ** 2) mask[i * side + j] = 0;
        }
      }
    }

    function show() {
      let state = { mask, height: side, width: side };
      paint(canvas, state);
      strip.replaceChildren();
      let gone = null;
      layers.forEach(([kernel, stride], i) => {
        state = updateMask(state.mask, state.height, state.width, kernel, stride);
        const picture = make("canvas", { role: "img", "aria-label": `the mask after layer ${i + 1}` });
        paint(picture, state);
        const hole = share(state.mask);
        if (!hole && gone === null) gone = i + 1;
        const text = `${i + 1}: ${state.width} × ${state.height}, ${(100 * hole).toFixed(hole && hole < .01 ? 2 : 0)} % hole`;
        strip.append(make("figure", {}, picture, make("figcaption", {}, text)));
      });
      const before = `${(100 * share(mask)).toFixed(1)} % of the mask is hole. `;
      said.textContent = before + (gone ? `No hole is left after layer ${gone}.` : "A hole is left after the last layer.");
    }

    let last = null;
    const place = (event) => {
      const area = canvas.getBoundingClientRect();
      return [(event.clientX - area.left) / area.width * side, (event.clientY - area.top) / area.height * side];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (!event.isPrimary) return;
      canvas.setPointerCapture(event.pointerId);
      last = place(event);
      dab(...last);
      show();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!last || !event.isPrimary) return;
      const [x, y] = place(event), steps = Math.ceil(Math.hypot(x - last[0], y - last[1])) || 1;
      for (let k = 1; k <= steps; k++) dab(last[0] + (x - last[0]) * k / steps, last[1] + (y - last[1]) * k / steps);
      last = [x, y];
      show();
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { last = null; });
    const pen = [side / 2, side / 2];
    const arrows = { ArrowLeft: [-2, 0], ArrowRight: [2, 0], ArrowUp: [0, -2], ArrowDown: [0, 2] };
    canvas.addEventListener("keydown", (event) => {
      if (arrows[event.key]) {
        pen.forEach((at, i) => { pen[i] = Math.min(side - 1, Math.max(0, at + arrows[event.key][i])); });
      } else if (event.key === " ") dab(...pen);
      else return;
      event.preventDefault();
      show();
      const context = canvas.getContext("2d");
      context.strokeStyle = "#222";
      context.strokeRect(pen[0] - 1.5, pen[1] - 1.5, 3, 3);
    });

    function rows() {
      table.replaceChildren(...layers.map((layer, i) => make("span", {},
        `layer ${i + 1}: `,
        menu(`kernel of layer ${i + 1}`, [1, 3, 5, 7], layer[0], (value) => { layers[i][0] = value; show(); }),
        " stride ",
        menu(`stride of layer ${i + 1}`, [1, 2], layer[1], (value) => { layers[i][1] = value; show(); }),
      )));
    }

    function menu(name, options, chosen, changed) {
      const select = make("select", { "aria-label": name, onchange: () => changed(Number(select.value)) });
      options.forEach((option) => select.add(new Option(option, option, false, option === chosen)));
      return select;
    }

    function scratch() {
      mask.fill(1);
      for (let k = 0; k <= 60; k++) dab(24 + k * 1.3, 30 + 22 * Math.sin(k / 9) + k * .8, 4.5);
      dab(96, 34, 20);
    }

    const buttons = make("div", { class: "explore-buttons" },
      make("button", { type: "button", onclick: () => { mask.fill(1); show(); } }, "clear"),
      make("button", { type: "button", onclick: () => { scratch(); show(); } }, "a scratch and a blot"),
      make("button", {
        type: "button",
        onclick: () => { layers = paper.map((layer) => [...layer]); rows(); show(); },
      }, "the paper's layers"),
      make("label", {}, "brush ", brush));
    box.append(canvas, buttons, said, strip, make("details", {}, make("summary", {}, "kernels and strides"), table));
    scratch();
    rows();
    show();
  }

  // --- 2: one window ------------------------------------------------------------------------------------------------

  function windowExplorer(box) {
    const values = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const mask = [1, 1, 1, 1, 0, 1, 1, 1, 1];
    const weights = values.map(() => 1 / 9);
    const cells = values.map((value, i) => make("button", {
      type: "button", onclick: () => { mask[i] = 1 - mask[i]; show(); },
    }));
    const sum = make("div", { class: "explore-sum", "aria-live": "polite" });
    box.append(make("div", { class: "explore-window" }, ...cells), sum);

    function show() {
      cells.forEach((cell, i) => {
        cell.textContent = values[i];
        cell.style.background = mask[i] ? COLORS.valid : COLORS.hole;
        cell.setAttribute("aria-label", `value ${values[i]}, ${mask[i] ? "valid" : "hole"}`);
        cell.setAttribute("aria-pressed", String(!mask[i]));
      });
      const found = oneWindow(values, mask, weights);
      const seen = values.filter((_, i) => mask[i]);
      const added = seen.length ? `(${seen.join(" + ")}) / 9` : "0";
      const lines = [
        ["known pixels, sum(M)", found.known],
        ["sum(1)/sum(M)", found.known ? `9/${found.known} = ${found.ratio.toFixed(3)}` : "nothing is known"],
        ["plain convolution", `${added} = ${found.plain.toFixed(3)}`],
        ["partial convolution", found.known ? `${found.plain.toFixed(3)} · ${found.ratio.toFixed(3)} = ${found.partial.toFixed(3)}` : "0, and the new mask is hole"],
        ["new mask", found.valid],
      ];
      sum.replaceChildren(make("table", {}, ...lines.map(([name, value]) =>
        make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, String(value))))));
    }

    show();
  }

  // --- 3: the loss under moving weights -----------------------------------------------------------------------------

  const HERE = document.currentScript.src;
  const TERMS = {  // the weights' range, step and colour
    valid: [10, 1, "#56B4E9"], hole: [20, 1, "#E69F00"], perceptual: [.5, .05, "#0072B2"], style: [120, 1, "#CC79A7"],
    tv: [5, .1, "#666666"],
  };

  function withData(shown) {
    const script = make("script", { src: new URL("loss_data.js", HERE).href });
    script.addEventListener("load", () => shown(globalThis.pconvLossData));
    document.head.append(script);
  }

  const levels = (text) => Float64Array.from(atob(text), (letter) => letter.charCodeAt(0) / 255);

  function lossExplorer(box) {
    withData((data) => lossBox(box, data));
  }

  function lossBox(box, data) {
    const { height, width } = data, area = height * width;
    const image = levels(data.image), mask = Array.from(atob(data.mask), (letter) => letter.charCodeAt(0));
    const fills = Object.fromEntries(Object.entries(data.fills).map(([name, fill]) => [name, levels(fill.pixels)]));
    const weights = { ...data.weights };
    const canvas = make("canvas", { role: "img", width, height, class: "explore-fill" });
    const bars = make("div", { class: "explore-bars" });
    const sums = make("div", { class: "explore-sum", "aria-live": "polite" });
    const choice = make("select", { "aria-label": "what is wrong with the output", onchange: show });
    Object.keys(fills).forEach((name) => choice.add(new Option(name)));
    const part = make("select", { "aria-label": "which picture is shown", onchange: show },
      new Option("composite"), new Option("output"), new Option("true picture"));
    const much = slider("how wrong", data.steps.length - 1, 1, data.steps.length - 1, (at) => data.steps[at].toFixed(1), show);

    function slider(name, max, step, value, text, moved) {
      const input = make("input", { type: "range", min: 0, max, step, value, "aria-label": name });
      const said = make("output", {});
      const say = () => {
        said.textContent = text(Number(input.value));
        input.setAttribute("aria-valuetext", said.textContent);
      };
      input.addEventListener("input", () => { say(); moved(Number(input.value)); });
      say();
      return { input, say, row: make("label", {}, make("span", {}, name), input, said) };
    }

    const sliders = Object.fromEntries(Object.entries(TERMS).map(([name, [max, step]]) => [
      name,
      slider(name, max, step, weights[name], String, (value) => { weights[name] = value; show(); }),
    ]));

    function set(wanted) {
      for (const [name, { input, say }] of Object.entries(sliders)) {
        input.value = weights[name] = wanted[name];
        say();
      }
      show();
    }

    function termsOf(name) {
      const at = Number(much.input.value), { perceptual, style } = data.fills[name];
      const { valid, hole, tv } = pixelTerms(mixed(image, fills[name], data.steps[at]), image, mask, height, width);
      return { valid, hole, perceptual: perceptual[at], style: style[at], tv };
    }

    function draw(output) {
      const context = canvas.getContext("2d"), pixels = context.createImageData(width, height);
      for (let at = 0; at < area; at++) {
        const from = part.value === "true picture" || (part.value === "composite" && mask[at]) ? image : output;
        for (let plane = 0; plane < 3; plane++) pixels.data[4 * at + plane] = Math.round(255 * from[plane * area + at]);
        pixels.data[4 * at + 3] = 255;
      }
      context.putImageData(pixels, 0, 0);
      canvas.setAttribute("aria-label", `${part.value}: ${choice.value}`);
    }

    function show() {
      draw(mixed(image, fills[choice.value], data.steps[Number(much.input.value)]));
      const found = Object.keys(fills).map((name) => [name, totalLoss(termsOf(name), weights)]);
      const longest = Math.max(...found.map(([, { total }]) => total)) || 1;
      bars.replaceChildren(...found.map(([name, { parts, total }]) => make("div", { class: "explore-bar" },
        make("span", {}, name),
        make("div", { role: "img", "aria-label": `total ${total.toFixed(4)}` }, ...Object.entries(parts).map(([term, size]) =>
          make("i", { style: `background:${TERMS[term][2]};width:${100 * size / longest}%`, title: `${term} ${size.toFixed(4)}` }))),
        make("span", {}, total.toFixed(4)))));
      const terms = termsOf(choice.value), { parts, total } = totalLoss(terms, weights);
      const cells = (kind, ...texts) => make("tr", {}, ...texts.map((text) => make(kind, {}, text)));
      sums.replaceChildren(make("table", {},
        cells("th", `of “${choice.value}”`, "term", "weight", "weight × term", "share"),
        ...Object.entries(parts).map(([name, size]) => {
          const row = cells("td", ` ${name}`, terms[name].toFixed(5), String(weights[name]), size.toFixed(5),
            total ? `${(100 * size / total).toFixed(0)} %` : "–");
          row.firstChild.prepend(make("i", { class: "explore-key", style: `background:${TERMS[name][2]}` }));
          return row;
        }),
        cells("td", "total", "", "", total.toFixed(5), "")));
    }

    const button = (name, wanted) => make("button", { type: "button", onclick: () => set(wanted) }, name);
    box.append(
      make("div", { class: "explore-loss" },
        make("div", {}, canvas, make("div", { class: "explore-buttons" }, choice, part)),
        make("div", { class: "player-controls" }, much.row, ...Object.values(sliders).map(({ row }) => row),
          make("div", { class: "explore-buttons" },
            button("the paper’s weights", data.weights), button("page 10’s fairer weights", data.fairer)))),
      bars, make("div", { class: "explore-scroll", tabindex: 0, role: "group", "aria-label": "the sum" }, sums));
    show();
  }

  // --- 4: the page that fills holes ---------------------------------------------------------------------------------

  function fillExplorer(box) {
    const link = box.querySelector("a[href]");
    if (!link) return;  // this build has no such page, and the box says so
    const start = make("button", {
      type: "button",
      onclick: () => start.replaceWith(make("iframe", { src: link.getAttribute("href"), title: "Fill a hole", class: "explore-page" })),
    }, `Load it here (${box.dataset.megabytes} MB)`);
    box.append(start);
  }

  // --- the front page: the film with a pause, and two pictures under a slider ----------------------------------------

  function filmBox(box) {
    const image = box.querySelector("img"), source = box.querySelector("source");
    const moving = image.getAttribute("src"), still = source.getAttribute("srcset");
    let plays = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    const button = make("button", { type: "button", onclick: () => { plays = !plays; source.remove(); show(); } });
    function show() {
      if (!source.isConnected) image.src = plays ? moving : still;
      button.textContent = plays ? "Pause" : "Play";
      button.setAttribute("aria-label", `${button.textContent} the film`);
    }
    box.append(button);
    show();
  }

  function compareBox(box) {
    const input = make("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": "how much of the filled photo is shown" });
    const show = () => {
      box.style.setProperty("--shown", `${input.value}%`);
      input.setAttribute("aria-valuetext", `${input.value} percent`);
    };
    input.addEventListener("input", show);
    box.append(input);
    show();
  }

  const KINDS = { mask: maskExplorer, window: windowExplorer, loss: lossExplorer, fill: fillExplorer, film: filmBox, compare: compareBox };
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-explore]").forEach((box) => KINDS[box.dataset.explore](box));
  });
})();
