// Things to touch, computed live: a mask on its way through the layers, and one window of a partial convolution.
// The sums are those of pconv_edu.mask_update and pconv_edu.partial_conv; tests compare them.
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

  globalThis.pconvExplore = { updateMask, oneWindow };
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

    function dab(x, y) {
      const radius = Number(brush.value) / 2;
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
      for (let k = 0; k <= 60; k++) dab(24 + k * 1.3, 30 + 22 * Math.sin(k / 9) + k * .8);
    }

    const buttons = make("div", { class: "explore-buttons" },
      make("button", { type: "button", onclick: () => { mask.fill(1); show(); } }, "clear"),
      make("button", { type: "button", onclick: () => { scratch(); show(); } }, "a scratch"),
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

  const KINDS = { mask: maskExplorer, window: windowExplorer };
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-explore]").forEach((box) => KINDS[box.dataset.explore](box));
  });
})();
