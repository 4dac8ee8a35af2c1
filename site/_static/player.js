// Shows the drawn frame that belongs to the controls of a `play` box. The frames were drawn when the site was built.
(() => {
  "use strict";

  function control(about, changed) {
    const label = document.createElement("label");
    const name = document.createElement("span");
    name.textContent = about.name;
    label.append(name);
    let input;
    let value = null;
    if (about.kind === "menu") {
      input = document.createElement("select");
      about.labels.forEach((text, i) => input.add(new Option(text, i)));
      input.selectedIndex = about.start;
    } else if (about.kind === "check" && about.labels.length === 2) {
      input = document.createElement("input");
      input.type = "checkbox";
      input.checked = about.start === 1;
    } else {
      input = document.createElement("input");
      input.type = "range";
      input.min = 0;
      input.max = about.labels.length - 1;
      input.step = 1;
      input.value = about.start;
      value = document.createElement("output");
    }
    const place = () => (input.type === "checkbox" ? Number(input.checked) : Number(input.value));
    const say = () => {
      if (!value) return;
      value.textContent = about.labels[place()];
      input.setAttribute("aria-valuetext", about.labels[place()]);
    };
    input.addEventListener("input", () => { say(); changed(); });
    label.append(input);
    if (value) label.append(value);
    say();
    return { label, place };
  }

  function start(box) {
    const about = JSON.parse(box.querySelector("script").textContent);
    const picture = box.querySelector("img");
    const parts = about.controls.map((each) => control(each, show));
    box.querySelector(".player-controls").append(...parts.map((part) => part.label));

    function frame() {
      const lengths = about.controls.map((each) => each.labels.length);
      return about.frames[parts.reduce((at, part, i) => at * lengths[i] + part.place(), 0)];
    }

    function show() {
      picture.src = `${about.at}/${frame()}`;
    }

    // a moved slider should not wait for the network: fetch the other frames when the box is first touched
    const ahead = () => new Set(about.frames).forEach((name) => { new Image().src = `${about.at}/${name}`; });
    box.addEventListener("pointerenter", ahead, { once: true });
    box.addEventListener("focusin", ahead, { once: true });
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".player").forEach(start));
})();
