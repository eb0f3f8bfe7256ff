"""Sound in a page of the board's: a tone in the place of a microphone, and an ear for a track."""

SOUND = """
(() => {
  globalThis.until = async (look) => {
    for (;;) {
      const found = look();
      if (found) return found;
      await new Promise((done) => setTimeout(done, 50));
    }
  };
  const sounding = () => {
    const context = new AudioContext();
    context.resume();  // Firefox waits for that
    return context;
  };
  globalThis.tone = (hertz) => {
    const context = sounding();
    const oscillator = new OscillatorNode(context, {frequency: hertz});
    const out = context.createMediaStreamDestination();
    oscillator.connect(out);
    oscillator.start();
    return out.stream;
  };
  globalThis.untilHeard = (track, hertz) => {
    const context = sounding();
    const analyser = context.createAnalyser();
    analyser.fftSize = 16384;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const bins = new Float32Array(analyser.frequencyBinCount);
    return until(() => {
      analyser.getFloatFrequencyData(bins);
      const peak = bins.indexOf(Math.max(...bins));
      const frequency = peak * context.sampleRate / analyser.fftSize;
      return Math.abs(frequency - hertz) < 10 && bins[peak] > -50;
    });
  };
})()
"""
"""Defines, in the page, ``until`` something holds, a ``tone`` as a stream, and ``untilHeard``."""
