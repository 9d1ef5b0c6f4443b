// The guide as files: puts every figure of a page in the place of its still.

const expected = new Map();

/** Each figure's bundle calls this, with its bytes in base64: a page opened from a disk may fetch nothing. */
window.minisim = {
  bundle: (name, text) => expected.get(name)(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer),
};

const loaded = (name) => new Promise((resolve, reject) => {
  expected.set(name, resolve);
  document.head.append(h("script", { src: `figures/${name}.js`, on: { error: reject } }));
});

/** One after another, in the order of reading. The still goes when the figure is there, and stays for paper. */
async function enliven() {
  for (const place of document.querySelectorAll("[data-figure]")) {
    try {
      const data = await loaded(place.dataset.figure);
      await mount(place.appendChild(h("div")), data);
      place.classList.add("guide-live");
    } catch (error) {
      place.append(h("p", {}, "This figure could not be loaded; its picture stands in for it."));
      console.error(error);
    }
  }
}

enliven();
