// Draws the page's diagrams, in the colours that the reader has chosen.

const diagrams = [...document.querySelectorAll("pre.mermaid")].map((place) => ({ place, source: place.textContent }));

if (diagrams.length > 0) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme === "dark" ? true : document.documentElement.dataset.theme === "light" ? false : dark.matches);
  const draw = async () => {
    const style = getComputedStyle(document.body);
    mermaid.initialize({
      startOnLoad: false, theme: isDark() ? "dark" : "neutral", fontFamily: style.fontFamily, state: { useMaxWidth: true },
    });
    for (const { place, source } of diagrams) {
      place.removeAttribute("data-processed");
      place.textContent = source;
    }
    await mermaid.run({ nodes: diagrams.map(({ place }) => place) });
  };
  const script = document.createElement("script");
  script.src = new URL("mermaid.js", document.currentScript.src).href;
  script.onload = () => {
    void draw();
    dark.addEventListener("change", draw);
    new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  };
  document.head.append(script);
}
