// The movie's time: playing at its frame rate, stepping, scrubbing. No kernel is needed for it.

const AUTOPLAY_S = 5;

function playing(fig) {
  const { show, movie, get, listen, tell } = fig, { player } = fig.ui;
  let lastTick = 0, timer = 0, touched = false;

  function tick(now) {
    if (!show.playing) return;
    const period = 1000 / get("picture").frame_rate_hz;
    if (now - lastTick >= period) {
      lastTick = Math.max(lastTick + period, now - 100);
      const following = (show.frame + 1) % movie.length;
      // A frame that has not arrived yet is waited for, never skipped or replaced by an old one.
      if (movie.frames[following]) { show.frame = following; fig.draw(); }
    }
    requestAnimationFrame(tick);
  }

  function set(on) {
    clearTimeout(timer);
    if (on === show.playing || movie.length < 2) return;
    show.playing = on;
    player.play.textContent = on ? "❚❚" : "▶";
    player.play.setAttribute("aria-label", on ? "Pause" : "Play");
    player.play.title = on ? "Pause" : "Play";
    lastTick = performance.now();
    if (on) requestAnimationFrame(tick);
    else { fig.draw(); tell({}); }
  }

  /** Once the movie is there, show that it is one; unless the reader has come first. */
  function auto() {
    if (touched || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    touched = true;
    set(true);
    timer = setTimeout(() => set(false), AUTOPLAY_S * 1000);
  }

  /** Go to a frame; the kernel hears of it, for the sentence, and sends it first if it is missing. */
  function seek(frame) {
    set(false);
    show.frame = (frame + movie.length) % movie.length;
    fig.draw();
    tell({});
  }

  const seconds = () => `${(show.frame / get("picture").frame_rate_hz).toFixed(2)} s`;

  /** Which moment is shown, in words; or that it is none. */
  function when() {
    const frames = get("picture").averaged[1] / 2;
    return frames ? `mean of all ${whole(frames)} frames` : `at ${seconds()}`;
  }

  function time() {
    const { scrub, clock } = player;
    scrub.max = movie.length - 1;
    scrub.value = show.frame;
    scrub.setAttribute("aria-valuetext", `${seconds()}, frame ${show.frame + 1} of ${movie.length}`);
    clock.textContent = `${seconds()} of ${three(movie.length / get("picture").frame_rate_hz)} s`;
    if (get("picture").averaged[1]) clock.textContent = `Both pictures: ${when()}`;
  }

  // Whoever touches the figure is the one who plays it from then on.
  for (const type of ["pointerdown", "keydown"])
    listen(fig.root, type, () => { touched = true; clearTimeout(timer); });
  listen(player.play, "click", () => set(!show.playing));
  listen(player.back, "click", () => seek(show.frame - 1));
  listen(player.next, "click", () => seek(show.frame + 1));
  listen(player.scrub, "input", () => seek(Number(player.scrub.value)));

  const keys = {
    " ": () => set(!show.playing), ArrowLeft: () => seek(show.frame - 1), ArrowRight: () => seek(show.frame + 1),
    Home: () => seek(0), End: () => seek(movie.length - 1),
  };
  return { set, seek, auto, time, when, keys, end: () => { show.playing = false; clearTimeout(timer); } };
}
